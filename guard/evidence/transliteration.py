"""Names in another script than their own, found by how they sound: Илсабет Куорн for Ilsabet Quorne.

Both are romanised. Consonants that scripts do not tell apart are one class, which leaves a consonant skeleton;
where two skeletons are the same, the vowels are compared too (cross-script name matching).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import chain
from typing import NamedTuple

from guard.evidence.sounds import KATAKANA, heard, keys, similarity
from guard.text.lexicon import english_names, given_names, words_used

MIN_CONSONANTS = 4
"""Of a given name and a family name together: shorter ones sound like others."""
MIN_BARE_CONSONANTS = 6
"""The same where vowels are not written, among FEW_NAMES; one more for each BARE_DOUBLINGS doublings."""
BARE_DOUBLINGS = 2.2
MIN_KEY_CONSONANTS = 3
"""In the keys of both, or too many names have one; one more for each KEY_DOUBLINGS doublings of FEW_NAMES."""
KEY_DOUBLINGS = 4.0
MIN_SIMILARITY = 0.6
"""Of the letters, vowels too, at the mean of both names, among FEW_NAMES; NARROWING more for each doubling."""
MIN_BARE_SIMILARITY = 0.4
NARROWING = 0.03
FEW_NAMES = 1_000
"""With as many names or fewer, one random name of another script in a hundred sounds like one of them."""
UNCASED_DOUBLINGS = 3.0
"""By which names count as more, where no capital tells them from other words."""
MAX_WORDS_BETWEEN = 2
FAMILY_FREQUENCY = 3e-5
"""In the texts of its language, of a word that is no family name."""
GIVEN_FREQUENCY = 3e-4
"""The same of a given name: names of other languages are among their common words, too."""
MAX_WORDS = 4_000
"""Words of a text in which names are looked for, of a longer one MAX_FIRST_WORDS from its first and the others up
to its last: up to .5 ms for each, beside 100,000 targets."""
MAX_FIRST_WORDS = 1_000

# Scripts with spaces between words, and katakana, whose names have a dot between them.
_OTHER = "\u0370-\u03ff\u0400-\u052f\u0530-\u058f\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff\u10a0-\u10ff\uac00-\ud7af"
_FOREIGN = re.compile(f"[{_OTHER}{KATAKANA}]")
_WORD = re.compile(f"[{_OTHER}\u0300-\u036f\u02bc'’]+|[{KATAKANA}]+")
MAX_NAME_CHARS = 200
MAX_WORD_CHARS = 40
"""A longer word is no part of a name."""
_LANGUAGES = ("ar", "bg", "bn", "el", "fa", "he", "hi", "ko", "ru", "uk", "ur")
_LATIN_LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv", "tr")
_LATIN = re.compile(r"[^\W\d_]+")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ][A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ'’]+")
_IN_LATIN = "LATIN"


class SoundingName(NamedTuple):
    """A name of several words, and the keys under which it is looked for: of first and last word, by sound."""

    name: str
    keys: tuple[str, ...]

    @property
    def script(self) -> str:
        """The script that the name is written in."""
        found = _FOREIGN.search(self.name)
        return _script(found[0]) if found else _IN_LATIN

    @property
    def ends(self) -> tuple[str, str]:
        words = _words(self.name)
        return words[0], words[-1]


def sounding_names(names: Iterable[str]) -> tuple[SoundingName, ...]:
    """Return those of `names` that have several words, with their keys; not those without consonants, or in
    ideographs."""
    several = ((name, words) for name in names if len(name) <= MAX_NAME_CHARS and len(words := _words(name)) > 1)
    keyed = ((name, (keys(words[0]), keys(words[-1]))) for name, words in several)
    return tuple(
        SoundingName(name, pairs)
        for name, (firsts, lasts) in keyed
        if (pairs := tuple(filter(None, (_pair(first, last) for first in firsts for last in lasts))))
    )


def _pair(first: str, last: str, least: float = MIN_KEY_CONSONANTS) -> str:
    """Return the key of a name, empty where it has too few consonants."""
    return f"{first} {last}" if len(first) + len(last) >= least else ""


def _words(name: str) -> list[str]:
    return (_LATIN if _FOREIGN.search(name) is None else _WORD).findall(name)


class TransliteratedNames:
    """Finds targets by names that sound alike in another script; immutable.

    Given name and family name must be near each other, in any order, with MIN_CONSONANTS consonants together. The
    time depends on the words of other scripts that a text has, and on how many names sound like one of them.
    """

    def __init__(self, given: Mapping[str, Sequence[SoundingName]]) -> None:
        self._given = given

    @cached_property
    def _by_key(self) -> dict[str, list[tuple[str, SoundingName]]]:
        found: dict[str, list[tuple[str, SoundingName]]] = {}
        for target, names in self._given.items():
            for name in names:
                for key in name.keys:
                    found.setdefault(key, []).append((target, name))
        return found

    @cached_property
    def _is_latin(self) -> bool:
        return all(name.script == _IN_LATIN for names in self._given.values() for name in names)

    def found(self, text: str, names: int) -> frozenset[str]:
        """Return the targets of which `text` has a name in another script; the more `names` there are in all, the
        more alike it must sound."""
        if not self._given or (self._is_latin and _FOREIGN.search(text) is None):
            return frozenset()
        doublings = max(0.0, math.log2(max(1, names) / FEW_NAMES))
        targets = set(self._sounding(_WORD.findall(text), doublings))
        if not self._is_latin:
            targets |= set(self._sounding(_LATIN_WORD.findall(text), doublings))
        return frozenset(targets)

    def _sounding(self, every: Sequence[str], doublings: float) -> Iterator[str]:
        left_out = max(0, len(every) - MAX_WORDS)
        words = [*every[:MAX_FIRST_WORDS], *every[MAX_FIRST_WORDS + left_out :]]
        # Where all letters are capitals, they tell nothing.
        has_capitals = any(_is_capital(word) and not word.isupper() for word in words)
        doublings += 0.0 if has_capitals else UNCASED_DOUBLINGS
        least = MIN_KEY_CONSONANTS + doublings // KEY_DOUBLINGS
        named = [word if _may_be_name(word, has_capitals) else "" for word in words]
        for first, last in dict.fromkeys(_neighbours(named)):
            pairs = (_pair(one, other, least) for one in keys(first) for other in keys(last))
            found = map(self._by_key.get, pairs) if _may_be_names(first, last, has_capitals) else ()
            for target, name in chain.from_iterable(filter(None, found)):
                if name.script != _script(first[0]) and _is_alike(name, first, last, doublings):
                    yield target


def _neighbours(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the words that are near each other, in both orders."""
    for at, word in enumerate(words):
        for other in words[at + 1 : at + 2 + MAX_WORDS_BETWEEN] if word else ():
            if other:
                yield from ((word, other), (other, word))


def _is_alike(name: SoundingName, first: str, last: str, doublings: float) -> bool:
    consonants, alike, has_vowels = 0, 0.0, True
    for own, other in zip(map(heard, name.ends), map(heard, (first, last)), strict=True):
        shared = own.skeletons & other.skeletons
        if not shared:
            return False
        consonants += max(map(len, shared))
        alike += similarity(own, other) / 2
        has_vowels = has_vowels and own.has_vowels and other.has_vowels
    if not has_vowels:
        return alike >= MIN_BARE_SIMILARITY and consonants >= MIN_BARE_CONSONANTS + doublings / BARE_DOUBLINGS
    return alike >= MIN_SIMILARITY + NARROWING * doublings and consonants >= MIN_CONSONANTS


def _may_be_name(word: str, has_capitals: bool) -> bool:
    """Whether a word may be of a name: where a text has capitals, names begin with one."""
    is_written = _is_capital(word) or not (has_capitals and word[0].upper() != word[0])
    return is_written and len(word) <= MAX_WORD_CHARS


def _is_capital(word: str) -> bool:
    return word[0].lower() != word[0]


@cache
def _script(char: str) -> str:
    return unicodedata.name(char, "").partition(" ")[0]


def _may_be_names(first: str, last: str, has_capitals: bool) -> bool:
    """Whether two words may be a given name and a family name: ordinary words in a row sound like somebody too,
    unless they begin with Latin capitals."""
    is_latin = _script(first[0]) == _IN_LATIN
    if is_latin and has_capitals:
        return True
    ordinary = _ordinary_words(_LATIN_LANGUAGES if is_latin else _LANGUAGES)
    return first.lower() not in ordinary.commonest and last.lower() not in ordinary.common


class _OrdinaryWords(NamedTuple):
    """Words of languages, without given names: no family names, and no given names."""

    common: frozenset[str]
    commonest: frozenset[str]


def load_ordinary_words() -> None:
    """Read the word lists that tell names from other words, before a text in another script comes: it takes some
    time."""
    for languages in (_LANGUAGES, _LATIN_LANGUAGES):
        _ordinary_words(languages)


@cache
def _ordinary_words(languages: Sequence[str]) -> _OrdinaryWords:
    used = [one for language in languages for one in words_used(language, FAMILY_FREQUENCY)]
    names = given_names() | {name for name in english_names() if name.isascii()}
    common, commonest = (
        frozenset(word for word, often in used if often >= least) - names
        for least in (FAMILY_FREQUENCY, GIVEN_FREQUENCY)
    )
    return _OrdinaryWords(common, commonest)
