"""The other readings of a text, from its decoders and ciphers: few, distinct, and in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from guard.deobfuscation import alphabets, encodings, invisible
from guard.deobfuscation.ciphers import MIN_COMMON_SHARE, common_share, deciphered, shifted_letters
from guard.deobfuscation.layout import acrostics, columns, join_spelt, strip_markup

# Levels of a code inside a code that are read.
MAX_DEPTH = 2

DECODERS = (*invisible.DECODERS, strip_markup, *encodings.DECODERS, *alphabets.DECODERS)
# Longer ones are digests and keys. Look-aheads are bounded too, as they are tried at every position of a run.
_LEET_WORD = re.compile(
    r"(?<![\w@$!|])(?=[\w@$!|]{3})(?=\S{0,23}[A-Za-z])(?=\S{0,23}[0-9@$!|])[\w@$!|]{3,24}(?![\w@$|])"
)
_LEET = [str.maketrans("0123456789@$!|", f"o{one}zeasgtbgas{one}{one}") for one in "il"]


class Reading(NamedTuple):
    """Another way to read a text, and whether it reads as language rather than as random letters."""

    text: str
    is_language: bool


def deobfuscate(text: str) -> tuple[Reading, ...]:
    """Return the distinct other readings of `text`, in linear time; of ordinary text, none that is language.

    Invisible characters, encodings, other alphabets, markup inside words, letters spelt out and leet are read in
    place, MAX_DEPTH deep; a piece that does not decode to text stays as it is. Ciphers, columns and initials apply
    to the whole text and to each of these readings.
    """
    plain = [text, *_in_place(text)]
    whole = [other for reading in plain for other in (*deciphered(reading), columns(reading))]
    letters = [other for reading in plain for other in (*shifted_letters(reading), acrostics(reading))]
    own = common_share(text)
    readings = [Reading(reading, True) for reading in plain[1:]]
    readings += [Reading(reading, MIN_COMMON_SHARE <= common_share(reading) > own) for reading in whole if reading]
    readings += [Reading(reading, False) for reading in letters if reading]
    distinct = {reading.text: reading for reading in reversed(readings) if reading.text != text}
    return tuple(reversed(distinct.values()))


def _in_place(text: str) -> Iterator[str]:
    """Yield the readings in which pieces of `text` are replaced by what they encode."""
    *_, read = (text, *(decoded := tuple(_decoded(text))))
    yield from decoded
    joined = join_spelt(read)
    if joined != read:
        yield joined
        *_, joined = (joined, *(decoded := tuple(_decoded(joined))))
        yield from decoded
    for table in _LEET:
        plain = _LEET_WORD.sub(partial(_translated, table), joined)
        if plain != joined:
            yield plain


def _decoded(text: str) -> Iterator[str]:
    """Yield what `text` decodes to, and what that does, MAX_DEPTH deep."""
    for _ in range(MAX_DEPTH):
        before = text
        for decode in DECODERS:
            text = decode(text)
        if text == before:
            return
        yield text


def _translated(table: dict[int, int], found: re.Match[str]) -> str:
    # Of an address, the first part of a domain comes before a dot.
    is_address = "@" in found[0] and re.match(r"\.\w", found.string[found.end() : found.end() + 2])
    return found[0] if is_address else found[0].translate(table)
