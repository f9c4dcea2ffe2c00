"""Names in another script than their own, found by how they sound: Илсабет Куорн for Ilsabet Quorne.

Both are romanised. Consonants that scripts do not tell apart are one class, which leaves a consonant skeleton;
where two skeletons are the same, the vowels are compared too (cross-script name matching).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from itertools import chain, islice, product
from typing import NamedTuple

from guard.text.lexicon import frequent_words

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
MAX_SKELETONS = 24
MAX_KEYS = 6
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
MAX_WORD_CHARS = 40
"""A longer word is no part of a name."""
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


class SoundingName(NamedTuple):
    """A name of several words, and the keys under which it is looked for: of first and last word, by sound."""

    name: str
    keys: tuple[str, ...]

    @property
    def is_latin(self) -> bool:
        return _FOREIGN.search(self.name) is None

    @property
    def ends(self) -> tuple[str, str]:
        words = _words(self.name)
        return words[0], words[-1]


def sounding_names(names: Iterable[str]) -> tuple[SoundingName, ...]:
    """Return those of `names` that have several words, with their keys; not those without consonants, or in
    ideographs."""
    several = ((name, words) for name in names if len(name) <= MAX_NAME_CHARS and len(words := _words(name)) > 1)
    keyed = ((name, (_keys(words[0]), _keys(words[-1]))) for name, words in several)
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
        return all(name.is_latin for names in self._given.values() for name in names)

    def found(self, text: str, names: int) -> frozenset[str]:
        """Return the targets of which `text` has a name in another script; the more `names` there are in all, the
        more alike it must sound."""
        if not self._given or (self._is_latin and _FOREIGN.search(text) is None):
            return frozenset()
        doublings = max(0.0, math.log2(max(1, names) / FEW_NAMES))
        every = (word[0] for word in islice(_WORD.finditer(text), MAX_WORDS))
        foreign = [word if _may_be_name(word) else "" for word in every]
        targets = set(self._sounding(foreign, doublings, latin=True))
        if not self._is_latin:
            written = [word[0] for word in islice(_LATIN_NAME.finditer(text), MAX_WORDS)]
            targets |= set(self._sounding(written, doublings, latin=False))
        return frozenset(targets)

    def _sounding(self, words: Sequence[str], doublings: float, *, latin: bool) -> Iterator[str]:
        keys, least = (
            {word: _keys(word) for word in words if word},
            MIN_KEY_CONSONANTS + doublings // KEY_DOUBLINGS,
        )
        for first, last in dict.fromkeys(_neighbours(words)):
            pairs = (_pair(one, other, least) for one in keys[first] for other in keys[last])
            for target, name in chain.from_iterable(self._by_key.get(pair, ()) for pair in pairs):
                if name.is_latin is latin and _is_alike(name, first, last, doublings):
                    yield target


def _neighbours(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the words that are near each other, in both orders."""
    for at, word in enumerate(words):
        for other in words[at + 1 : at + 2 + MAX_WORDS_BETWEEN] if word else ():
            if other:
                yield from ((word, other), (other, word))


def _is_alike(name: SoundingName, first: str, last: str, doublings: float) -> bool:
    consonants, similarity, has_vowels = 0, 0.0, True
    for own, other in zip(map(heard, name.ends), map(heard, (first, last)), strict=False):
        shared = own.skeletons & other.skeletons
        if not shared:
            return False
        consonants += max(map(len, shared))
        similarity += _similarity(own, other) / 2
        has_vowels = has_vowels and own.has_vowels and other.has_vowels
    if not has_vowels:
        return similarity >= MIN_BARE_SIMILARITY and consonants >= MIN_BARE_CONSONANTS + doublings / BARE_DOUBLINGS
    return similarity >= MIN_SIMILARITY + NARROWING * doublings and consonants >= MIN_CONSONANTS


def _may_be_name(word: str) -> bool:
    return len(word) <= MAX_WORD_CHARS and word.lower() not in _function_words()


@cache
def _function_words() -> frozenset[str]:
    """Return the commonest words of languages in other scripts than Latin: no name is looked for in them."""
    return frozenset(word for words in frequent_words().values() for word in words if _FOREIGN.search(word))


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
    latin = _romanised(word)
    sounds = ([_sound(found).readings for found in _SOUND.finditer(one)] for one in latin)
    skeletons = frozenset(chain.from_iterable(_chosen(one, MAX_SKELETONS) for one in sounds)) - {""}
    return Heard(skeletons, _letters(latin[-1], _KANA.match(word) is not None), _ABJAD.search(word) is None)


@lru_cache(8_192)
def _keys(word: str) -> tuple[str, ...]:
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
