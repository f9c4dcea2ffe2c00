"""Deobfuscation: what a text reads as once decoded from base64, hex, leet, ROT13, reversal and the like."""

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

# Levels of a code inside a code that are read.
MAX_DEPTH = 2
# A text shifted or reversed as a whole is language if this share of its words is common, and more than before.
MIN_COMMON_SHARE = 0.4

# No code point has more digits, and int() refuses thousands.
_ENTITY = re.compile(r"(&#[xX]?)0*([0-9a-fA-F]{1,7};?)|&[0-9A-Za-z]{1,32};?")
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{8,}={0,2}(?![\w+/=-])")
_HEX = re.compile(r"(?<!\w)(?:(?:0x|\\x|%)?[0-9a-fA-F]{2}[\s:,-]?){4,}(?!\w)")
_BINARY = re.compile(r"(?<!\w)(?:[01]{8}\s?){4,}(?!\w)")
_SPELT = re.compile(r"(?<!\w)\w(?:([^\w\n]{1,2})\w)(?:\1\w){2,}(?!\w)")
# Longer ones are digests and keys. Look-aheads are bounded too, as they are tried at every position of a run.
_LEET_WORD = re.compile(
    r"(?<![\w@$!|])(?=[\w@$!|]{3})(?=\S{0,14}[A-Za-z])(?=\S{0,14}[0-9@$!|])[\w@$!|]{3,15}(?![\w@$|])"
)
_LEET = [str.maketrans("013457@$!|", f"o{one}eastas{one}{one}") for one in "il"]
_WORD = re.compile(r"[^\W\d_]+")
_MAX_LANGUAGE_CHARS = 4_000


class Reading(NamedTuple):
    """Another way to read a text, and whether it reads as language rather than as random letters."""

    text: str
    is_language: bool


def deobfuscate(text: str) -> tuple[Reading, ...]:
    """Return the distinct other readings of `text`, in linear time; usually ROT13 and reversal alone.

    Entities, percent escapes, base64, hex, bits, letters spelt out and leet are decoded in place, MAX_DEPTH deep;
    a piece that does not decode to text stays as it is. ROT13 and reversal apply to the whole text and to each of
    these readings.
    """
    plain = [text, *_in_place(text)]
    shifted = [shifted for reading in plain for shifted in (codecs.encode(reading, "rot13"), reading[::-1])]
    own = _common_share(text)
    readings = [Reading(reading, True) for reading in plain[1:]]
    readings += [Reading(reading, MIN_COMMON_SHARE <= _common_share(reading) > own) for reading in shifted]
    distinct = {reading.text: reading for reading in reversed(readings) if reading.text != text}
    return tuple(reversed(distinct.values()))


def _in_place(text: str) -> Iterator[str]:
    """Yield the readings in which pieces of `text` are replaced by what they encode."""
    decoded = text
    for _ in range(MAX_DEPTH):
        before = decoded
        for read in (_entities, unquote, _base64, _hex, _bits):
            decoded = read(decoded)
        if decoded == before:
            break
        yield decoded
    joined = _SPELT.sub(lambda found: found[0].replace(found[1], ""), decoded)
    if joined != decoded:
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
    def replacement(found: re.Match[str]) -> str:
        try:
            decoded = read(found[0]).decode("utf-8")
        except (binascii.Error, ValueError):
            return found[0]
        # A word of plain letters may decode by chance; the result is then hardly ever text.
        return decoded if len(decoded) >= 4 and _is_text(decoded) else found[0]

    return pattern.sub(replacement, text)


def _is_text(decoded: str) -> bool:
    letters = sum(character.isalpha() or character.isspace() for character in decoded)
    return decoded.isprintable() and letters >= 0.8 * len(decoded)


def _common_share(text: str) -> float:
    """Return the share of common words at the beginning of the text."""
    words = _WORD.findall(text[:_MAX_LANGUAGE_CHARS])
    return sum(len(word) > 1 and is_common(word) for word in words) / len(words) if words else 0.0
