"""What a text says once its disguises are taken off: encoded, spelt out, shifted, reversed."""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote

from guard.text.english import is_common

# A code inside a code is read this deep.
DEPTH = 2
# A text turned as a whole is language when so many of its words are common, and more than before.
LANGUAGE = 0.4

# No code point has more digits, and int() refuses thousands.
_ENTITY = re.compile(r"(&#[xX]?)0*([0-9a-fA-F]{1,7};?)|&[0-9A-Za-z]{1,32};?")
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{8,}={0,2}(?![\w+/=-])")
_HEX = re.compile(r"(?<!\w)(?:(?:0x|\\x|%)?[0-9a-fA-F]{2}[\s:,-]?){4,}(?!\w)")
_BINARY = re.compile(r"(?<!\w)(?:[01]{8}\s?){4,}(?!\w)")
_SPELT = re.compile(r"(?<!\w)\w(?:([^\w\n]{1,2})\w)(?:\1\w){2,}(?!\w)")
# Longer ones are digests and keys. No look-ahead goes further either: they are tried at every place of a run.
_LEET_WORD = re.compile(
    r"(?<![\w@$!|])(?=[\w@$!|]{3})(?=\S{0,14}[A-Za-z])(?=\S{0,14}[0-9@$!|])[\w@$!|]{3,15}(?![\w@$|])"
)
_LEET = [str.maketrans("013457@$!|", f"o{one}eastas{one}{one}") for one in "il"]
_WORD = re.compile(r"[^\W\d_]+")
_LETTERS_SEEN = 4_000


class Reading(NamedTuple):
    """Another way to read a text; `language` is whether it reads as language, rather than as letters that chance
    put together."""

    text: str
    language: bool


def decoded(text: str) -> tuple[Reading, ...]:
    """Return the distinct other readings of `text`, in linear time; usually ROT13 and reversal alone.

    Entities, percent escapes, base64, hex, bits, letters spelt out and leet are read in place, two deep; a piece
    that does not decode to text stays as it is. ROT13 and reversal are of the whole text, and of each of these.
    """
    plain = [text, *_in_place(text)]
    shifted = [turned for reading in plain for turned in (codecs.encode(reading, "rot13"), reading[::-1])]
    own = _language(text)
    readings = [Reading(reading, True) for reading in plain[1:]]
    readings += [Reading(reading, LANGUAGE <= _language(reading) > own) for reading in shifted]
    distinct = {reading.text: reading for reading in reversed(readings) if reading.text != text}
    return tuple(reversed(distinct.values()))


def _in_place(text: str) -> Iterator[str]:
    """Yield the readings in which pieces of `text` are replaced by what they stand for."""
    opened = text
    for _ in range(DEPTH):
        before = opened
        for read in (_entities, unquote, _base64, _hex, _bits):
            opened = read(opened)
        if opened == before:
            break
        yield opened
    joined = _SPELT.sub(lambda found: found[0].replace(found[1], ""), opened)
    if joined != opened:
        yield joined
    for table in _LEET:
        plain = _LEET_WORD.sub(partial(_translated, table), joined)
        if plain != joined:
            yield plain


def _translated(table: dict[int, int], found: re.Match[str]) -> str:
    return found[0].translate(table)


def _entities(text: str) -> str:
    return _ENTITY.sub(lambda found: html.unescape(f"{found[1]}{found[2]}" if found[1] else found[0]), text)


def _base64(text: str) -> str:
    def read(piece: str) -> bytes:
        body = piece.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)

    return _replaced(_BASE64, read, text)


def _hex(text: str) -> str:
    return _replaced(_HEX, lambda piece: bytes.fromhex(re.sub(r"0x|[^0-9a-fA-F]", "", piece)), text)


def _bits(text: str) -> str:
    return _replaced(_BINARY, lambda piece: bytes(int(bits, 2) for bits in re.findall("[01]{8}", piece)), text)


def _replaced(pattern: re.Pattern[str], read: Callable[[str], bytes], text: str) -> str:
    def said(found: re.Match[str]) -> str:
        try:
            spoken = read(found[0]).decode("utf-8")
        except (binascii.Error, ValueError):
            return found[0]
        # A word of plain letters may decode by chance; what it decodes to is then hardly ever text.
        return spoken if len(spoken) >= 4 and _is_text(spoken) else found[0]

    return pattern.sub(said, text)


def _is_text(spoken: str) -> bool:
    letters = sum(character.isalpha() or character.isspace() for character in spoken)
    return spoken.isprintable() and letters >= 0.8 * len(spoken)


def _language(text: str) -> float:
    """The share of common words among the words of the text's beginning."""
    words = _WORD.findall(text[:_LETTERS_SEEN])
    return sum(len(word) > 1 and is_common(word) for word in words) / len(words) if words else 0.0
