"""How a word of any alphabet sounds: its consonant skeletons, and its letters with three kinds of vowels.

Words are romanised. Scripts do not tell the same consonants apart, and where they do, languages hear one as
another; so what letters may sound like is read in several ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice, product
from typing import NamedTuple

MAX_SKELETONS = 24
MAX_KEYS = 6
MIN_INFLECTED_CHARS = 4
KATAKANA = "\u30a1-\u30fa\u30fc-\u30fe\uff66-\uff9f"

# Endings of cases in Slavic languages and Greek that have a consonant.
_INFLECTED = re.compile("[\u0370-\u052f]")
_ENDING = re.compile("(?:om|em|ym|im|mi|ov|ev|iv|ogo|omu|[oiaue]s|[oa]kh|[oa]y)$")
# Of Arabic and Hebrew, which write few vowels.
_ABJAD = re.compile("[\u0590-\u06ff]")
# Particles written with a word: of Korean after it, of Arabic and Hebrew before it.
_PARTICLE = re.compile("(?<=..)(?:은|는|이|가|을|를|의|에|와|과|도|로)$|^[وبلكפבלכהושמ](?=...)")
# Katakana's sign for a doubled consonant, pairs of Greek letters, and the Hebrew letter for v, o and u.
_READ_AS = re.compile("[ッｯו]|μπ|ντ|γκ")
_PAIRS = {"μπ": "b", "ντ": "d", "γκ": "g", "ו": "w"}
_REPEATED = re.compile(r"([a-z])\1+")
_KANA = re.compile(f"[{KATAKANA}]")
# Vowels that no syllable of Japanese goes without, and the silent e of English and French.
_SUPPORT = re.compile(r"(?<=[kgszfmrlpbv])u(?![aeiouy])|(?<=ts)u(?![aeiouy])|(?<=[td])o(?![aeiouy])")
_SILENT = re.compile("(?<=[^aeiou])e$")
_NO_LETTERS = re.compile("[^a-z]")
_VOWELS = str.maketrans("aeiouyw", "aiiuuiu")


class _Sound(NamedTuple):
    """What letters sound like: P for lips, T, S for all that hisses, K, M, N, L for r as well. In a key what
    scripts confuse or leave out is one or none: C for T and S, and nothing for L."""

    letters: str
    readings: tuple[str, ...]
    in_key: tuple[str, ...]


# The first that fits counts.
_SOUNDS = tuple(
    _Sound(*each)
    for each in (
        ("shch|tsch|tch|dzh|dj|zh|sh|cz|sz|sc(?=[eiy])", ("S",), ("C",)),
        ("sch", ("S", "SK"), ("C", "CK")),
        ("ch", ("S", "K"), ("C", "K")),
        ("ts|tz|ds|dz", ("S", "TS"), ("C", "CC")),
        ("ph", ("P",), ("P",)),
        ("th", ("T", "S"), ("C",)),
        ("gh", ("K", ""), ("K", "")),
        ("kh", ("", "K"), ("", "K")),
        ("c(?=[eiy])", ("S",), ("C",)),
        ("ck|qu|[ckq]", ("K",), ("K",)),
        ("(?<=[aeiouy])s$", ("S", ""), ("C", "")),
        ("(?<=[aeiouyl])t$", ("T", ""), ("C", "")),
        ("^x", ("S",), ("C",)),
        ("x", ("KS",), ("KC",)),
        ("^kn|gn", ("N", "KN"), ("N", "KN")),
        ("ng(?![aeiouy])", ("NK", "N"), ("NK", "N")),
        ("g(?=[eiy])", ("K", "S"), ("K", "C")),
        ("g", ("K",), ("K",)),
        ("j", ("S", "", "K"), ("C", "")),
        ("^h(?=[aeiouyw])", ("", "K"), ("", "K")),
        ("h(?=[aeiouyw])", ("", "K"), ("",)),
        ("w", ("", "P"), ("", "P")),
        ("m(?=[pbfvkg])", ("M", "N"), ("N",)),
        ("r(?![aeiouy])", ("L", ""), ("",)),
        ("[lr]", ("L",), ("",)),
        ("[td](?=[iyu])", ("T", "S"), ("C",)),
        ("[td]", ("T",), ("C",)),
        ("[sz]", ("S",), ("C",)),
        ("[pbfv]", ("P",), ("P",)),
        ("m", ("M",), ("N",)),
        ("n", ("N",), ("N",)),
    )
)
_SOUND = re.compile("|".join(f"({sound.letters})" for sound in _SOUNDS))


class Heard(NamedTuple):
    """A word as it sounds: its consonant skeletons, and its letters with vowels of three kinds."""

    skeletons: frozenset[str]
    letters: str
    has_vowels: bool


def similarity(left: Heard, right: Heard) -> float:
    """Return the share of letters that need not be changed, by Levenshtein distance."""
    row = list(range(len(right.letters) + 1))
    for place, letter in enumerate(left.letters, start=1):
        before, row[0] = row[0], place
        for at, other in enumerate(right.letters, start=1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != other))
    return 1 - row[-1] / max(len(left.letters), len(right.letters), 1)


@lru_cache(8_192)
def heard(word: str) -> Heard:
    """Return a word of any alphabet as it sounds, with the particles that are written with it and without."""
    latin = _romanised(word)
    sounds = ([_sound(found).readings for found in _SOUND.finditer(one)] for one in latin)
    skeletons = frozenset(chain.from_iterable(_chosen(one, MAX_SKELETONS) for one in sounds)) - {""}
    return Heard(skeletons, _letters(latin[-1], _KANA.match(word) is not None), _ABJAD.search(word) is None)


@lru_cache(8_192)
def keys(word: str) -> tuple[str, ...]:
    """Return the keys of a word: the consonants that every script writes, in classes that it tells apart."""
    sounds = ([_sound(found).in_key for found in _SOUND.finditer(one)] for one in _romanised(word))
    return tuple(dict.fromkeys(key for one in sounds for key in _chosen(one, MAX_KEYS) if key))


def _romanised(word: str) -> list[str]:
    """Return a word in Latin letters, then without particles and endings of cases."""
    bare = "" if word.isascii() else _PARTICLE.sub("", word)
    forms = [word, bare] if bare and bare != word else [word]
    latin = [_in_latin(form) for form in forms]
    if len(latin[0]) > MIN_INFLECTED_CHARS and _INFLECTED.search(word):
        latin.append(_ENDING.sub("", latin[0]))
    return list(dict.fromkeys(latin))


def _in_latin(word: str) -> str:
    from anyascii import anyascii

    plain = word.lower() if word.isascii() else _READ_AS.sub(lambda found: _PAIRS.get(found[0], ""), word.lower())
    latin = _NO_LETTERS.sub("", anyascii(plain).lower())
    # Where vowels are not written, two equal letters have one between them.
    return latin if _ABJAD.search(word) else _REPEATED.sub(r"\1", latin)


def _sound(found: re.Match[str]) -> _Sound:
    return _SOUNDS[(found.lastindex or 1) - 1]


def _chosen(sounds: Iterable[tuple[str, ...]], most: int) -> Iterator[str]:
    """Yield one choice after another of how a word sounds."""
    return ("".join(one) for one in islice(product(*sounds), most))


def _letters(latin: str, is_kana: bool) -> str:
    said = _SUPPORT.sub("", latin) if is_kana else _SILENT.sub("", latin)
    letters = _SOUND.sub(lambda found: _sound(found).readings[0].lower(), said.replace("w", "u"))
    return _REPEATED.sub(r"\1", letters.translate(_VOWELS))
