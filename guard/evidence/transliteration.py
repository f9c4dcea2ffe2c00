"""Names in another script than their own, found by how they sound: Илсабет Куорн for Ilsabet Quorne.

Both are romanised. Consonants that scripts do not tell apart are one class, which leaves a consonant skeleton; where
two skeletons are the same, the vowels are compared too (cross-script name matching).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice, product
from typing import NamedTuple

MIN_CONSONANTS = 4
"""Of a given name and a family name together: shorter ones sound like others."""
MIN_BARE_CONSONANTS = 6
"""The same where vowels are not written, among FEW_NAMES; one more for each BARE_DOUBLINGS doublings."""
BARE_DOUBLINGS = 2.2
MIN_SIMILARITY = 0.6
"""Of the letters, vowels included, at the mean of both names, among FEW_NAMES; NARROWING more for each doubling."""
MIN_BARE_SIMILARITY = 0.4
NARROWING = 0.03
FEW_NAMES = 1_000
"""With as many names or fewer, one random name of another script in a hundred sounds like one of them."""
MAX_SKELETONS = 24
MAX_WORDS_BETWEEN = 2
MAX_WORDS = 4_000
"""Words of a text in which names are looked for, from its first; looking takes 2 µs for each."""

# Scripts with spaces between words, and katakana, whose names have a dot between them.
_OTHER = "\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff\u10a0-\u10ff\uac00-\ud7af"
_KATAKANA = "\u30a1-\u30fa\u30fc-\u30fe\uff66-\uff9f"
_FOREIGN = re.compile(f"[{_OTHER}{_KATAKANA}]")
_WORD = re.compile(f"[{_OTHER}\u0300-\u036f\u02bc'’]+|[{_KATAKANA}]+")
# Endings of cases in Slavic languages and Greek that have a consonant.
_INFLECTED = re.compile("[\u0370-\u052f]")
_ENDING = re.compile("(?:om|em|ym|im|mi|ov|ev|iv|ogo|omu|[oiaue]s|[oa]kh|[oa]y)$")
MIN_INFLECTED_CHARS = 4
MAX_NAME_CHARS = 200
_LATIN = re.compile(r"[^\W\d_]+")
_LATIN_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ][A-Za-zÀ-ɏ'’]+")
# Of Arabic and Hebrew, which write few vowels.
_ABJAD = re.compile("[\u0590-\u06ff]")
# Particles written with a word: of Korean after it, of Arabic and Hebrew before it.
_PARTICLE = re.compile("(?<=..)(?:은|는|이|가|을|를|의|에|와|과|도|로)$|^[وبلكפבלכהושמ](?=...)")
# Katakana's sign for a doubled consonant, pairs of Greek letters, and the Hebrew letter for v, o and u.
_READ_AS = re.compile("[ッｯו]|μπ|ντ|γκ")
_PAIRS = {"μπ": "b", "ντ": "d", "γκ": "g", "ו": "w"}
_REPEATED = re.compile(r"([a-z])\1+")
_KANA = re.compile(f"[{_KATAKANA}]")
# Vowels that no syllable of Japanese goes without, and the silent e of English and French.
_SUPPORT = re.compile(r"(?<=[kgszfmrpbv])u(?![aeiouy])|(?<=ts)u(?![aeiouy])|(?<=[td])o(?![aeiouy])")
_SILENT = re.compile("(?<=[^aeiou])e$")
_VOWELS = str.maketrans("aeiouyw", "aiiuuiu")

# What letters sound like: P for lips, T, S for all that hisses, K, M, N, L for r as well. The first that fits counts.
_SOUNDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("shch|tsch|tch|dzh|dj|zh|sh|cz|sz|sc(?=[eiy])", ("S",)),
    ("sch", ("S", "SK")),
    ("ch", ("S", "K")),
    ("ts|tz|ds|dz", ("S", "TS")),
    ("ph", ("P",)),
    ("th", ("T", "S")),
    ("gh", ("K", "")),
    ("kh", ("", "K")),
    ("c(?=[eiy])", ("S",)),
    ("ck|qu|[ckq]", ("K",)),
    ("(?<=[aeiouy])s$", ("S", "")),
    ("(?<=[aeiouyl])t$", ("T", "")),
    ("^x", ("S",)),
    ("x", ("KS",)),
    ("^kn|gn", ("N", "KN")),
    ("ng(?![aeiouy])", ("NK", "N")),
    ("g(?=[eiy])", ("K", "S")),
    ("g", ("K",)),
    ("j", ("S", "", "K")),
    ("h(?=[aeiouyw])", ("", "K")),
    ("w", ("", "P")),
    ("m(?=[pbfvkg])", ("M", "N")),
    ("r(?![aeiouy])", ("L", "")),
    ("[lr]", ("L",)),
    ("[td](?=[iyu])", ("T", "S")),
    ("[td]", ("T",)),
    ("[sz]", ("S",)),
    ("[pbfv]", ("P",)),
    ("m", ("M",)),
    ("n", ("N",)),
)
_SOUND = re.compile("|".join(f"({letters})" for letters, _ in _SOUNDS))


class Heard(NamedTuple):
    """A word as it sounds: its consonant skeletons, and its letters with vowels of three kinds."""

    skeletons: frozenset[str]
    letters: str
    has_vowels: bool


class NameSounds(NamedTuple):
    """The first and the last word of a name as they sound, and whether they are written in Latin letters."""

    first: Heard
    last: Heard
    is_latin: bool


def name_sounds(names: Iterable[str]) -> tuple[NameSounds, ...]:
    """Return how each of `names` of two words or more sounds, without those that have no consonants or are written
    in ideographs."""
    found = []
    for name in names:
        is_latin = _FOREIGN.search(name) is None
        words = _LATIN.findall(name) if is_latin else _WORD.findall(name)
        if len(words) > 1 and len(name) <= MAX_NAME_CHARS:
            sounds = NameSounds(heard(words[0]), heard(words[-1]), is_latin)
            if sounds.first.skeletons and sounds.last.skeletons:
                found.append(sounds)
    return tuple(found)


class TransliteratedNames:
    """Finds targets by names that sound alike in another script; immutable.

    Given name and family name must be near each other, in any order, with MIN_CONSONANTS consonants together. The
    time depends on the words of other scripts that a text has, and on how many names sound like one of them.
    """

    def __init__(self, given: Mapping[str, Sequence[NameSounds]]) -> None:
        self._names = [(target, name) for target, names in given.items() for name in names]
        self._by_last: dict[str, list[int]] = {}
        for number, (_, name) in enumerate(self._names):
            for skeleton in name.last.skeletons:
                self._by_last.setdefault(skeleton, []).append(number)
        self._all_latin = all(name.is_latin for _, name in self._names)

    def found(self, text: str, names: int) -> frozenset[str]:
        """Return the targets of which `text` has a name in another script; the more `names` there are in all, the
        more alike it must sound."""
        doublings = max(0.0, math.log2(max(1, names) / FEW_NAMES))
        if not self._names or (self._all_latin and _FOREIGN.search(text) is None):
            return frozenset()
        said = [heard(word[0]) for word in islice(_WORD.finditer(text), MAX_WORDS)]
        targets = set(self._sounding(said, doublings, latin=True))
        if not self._all_latin:
            written = [heard(word[0]) for word in islice(_LATIN_NAME.finditer(text), MAX_WORDS)]
            targets |= set(self._sounding(written, doublings, latin=False))
        return frozenset(targets)

    def _sounding(self, words: Sequence[Heard], doublings: float, *, latin: bool) -> Iterator[str]:
        for at, last in enumerate(words):
            near = (*words[max(0, at - 1 - MAX_WORDS_BETWEEN) : at], *words[at + 1 : at + 2 + MAX_WORDS_BETWEEN])
            for number in dict.fromkeys(
                number for skeleton in last.skeletons for number in self._by_last.get(skeleton, ())
            ):
                target, name = self._names[number]
                if name.is_latin is latin and any(_is_alike(name, first, last, doublings) for first in near):
                    yield target


def _is_alike(name: NameSounds, first: Heard, last: Heard, doublings: float) -> bool:
    firsts, lasts = name.first.skeletons & first.skeletons, name.last.skeletons & last.skeletons
    if not firsts or not lasts:
        return False
    consonants = max(map(len, firsts)) + max(map(len, lasts))
    similarity = (_similarity(name.first, first) + _similarity(name.last, last)) / 2
    if not all(one.has_vowels for one in (name.first, name.last, first, last)):
        return similarity >= MIN_BARE_SIMILARITY and consonants >= MIN_BARE_CONSONANTS + doublings / BARE_DOUBLINGS
    return similarity >= MIN_SIMILARITY + NARROWING * doublings and consonants >= MIN_CONSONANTS


def _similarity(left: Heard, right: Heard) -> float:
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
    forms = [word, bare] if (bare := _PARTICLE.sub("", word)) != word else [word]
    latin = [_romanised(form) for form in forms]
    if len(latin[0]) > MIN_INFLECTED_CHARS and _INFLECTED.search(word):
        latin.append(_ENDING.sub("", latin[0]))
    skeletons = frozenset(islice(chain.from_iterable(map(_skeletons, latin)), MAX_SKELETONS * len(latin)))
    return Heard(skeletons - {""}, _letters(latin[-1], _KANA.match(word) is not None), _ABJAD.search(word) is None)


def _letters(latin: str, is_kana: bool) -> str:
    said = _SUPPORT.sub("", latin) if is_kana else _SILENT.sub("", latin)
    letters = _SOUND.sub(lambda found: _SOUNDS[(found.lastindex or 1) - 1][1][0].lower(), said.replace("w", "u"))
    return _REPEATED.sub(r"\1", letters.translate(_VOWELS))


def _romanised(word: str) -> str:
    from anyascii import anyascii

    plain = _READ_AS.sub(lambda found: _PAIRS.get(found[0], ""), word.lower())
    return _REPEATED.sub(r"\1", re.sub("[^a-z]", "", anyascii(plain).lower()))


def _skeletons(latin: str) -> Iterator[str]:
    sounds = [_SOUNDS[(found.lastindex or 1) - 1][1] for found in _SOUND.finditer(latin)]
    return ("".join(chosen) for chosen in islice(product(*sounds), MAX_SKELETONS))
