"""Word lists by language and gazetteers: what is common, and therefore tells nothing by itself.

The lists are compressed in `guard/text/word_lists/`, whose README names the sources, and read on first use.
"""

from __future__ import annotations

import lzma
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

LANGUAGES = frozenset(
    "ar bg bn ca cs da de el en es fa fi fr he hi hu id it ja ko nb nl pl pt ro ru sv th tr uk ur vi zh".split()  # noqa: SIM905
)
DICTIONARIES = frozenset({"ar", "de", "el", "en", "es", "fr", "he", "hi", "pl", "ru", "tr"})
ATTESTED = frozenset({"ar", "de", "el", "en", "es", "fr", "he", "ja", "ko", "pl", "ru", "tr", "zh"})
_HASH_BITS = 0x3FFFFFF
# Short names of months that are common words elsewhere.
_NO_MONTHS = frozenset({"out", "set", "pro", "led", "gen", "lip", "lug", "tem", "sie", "mag", "mei"})
# Of the commonest word of a language, per word of text; that of rank r is used so often divided by r.
_ZIPF = 0.1
_NO_WORDS: Mapping[str, int] = {}


def ranks(language: str) -> Mapping[str, int]:
    """Return the common words of a language, names too, in lower case, with their ranks by frequency from 1.

    There are 22,000 to 50,000 of them (Vietnamese: 10,000), and none of a language that is not in LANGUAGES.
    """
    return _ranks(language) if language in LANGUAGES else _NO_WORDS


def frequency(word: str, language: str) -> float:
    """Return how often the word, in lower case, is used per word of text, to 1 %; 0 if it is not common.

    In a language without frequencies it follows from the rank, by Zipf's law.
    """
    rank = ranks(language).get(word)
    return 0.0 if rank is None else _frequency(rank, language)


def words_used(language: str, least: float) -> Iterator[tuple[str, float]]:
    """Yield the words of a language that are used so often or more, commonest first, with their frequencies.

    Nothing of it is kept.
    """
    for rank, word in enumerate(_compressed(f"words/{language}"), start=1):
        if (often := _frequency(rank, language)) < least:
            return
        yield word, often


def _frequency(rank: int, language: str) -> float:
    steps = _frequencies().get(language)
    if steps is None:
        return _ZIPF / rank
    return float(10 ** (-steps.centibels[bisect_left(steps.ranks, rank)] / 100))


class _Steps(NamedTuple):
    """Frequencies in hundredths of a decade below 1, each with the rank of the last word that has it."""

    centibels: tuple[int, ...]
    ranks: tuple[int, ...]


@cache
def _frequencies() -> dict[str, _Steps]:
    steps: dict[str, _Steps] = {}
    for line in _compressed("frequencies"):
        language, *pairs = line.split(" ")
        values, counts = zip(*(map(int, pair.split(":")) for pair in pairs), strict=True)
        steps[language] = _Steps(values, tuple(accumulate(counts)))
    return steps


@cache
def _ranks(language: str) -> dict[str, int]:
    return {word: rank for rank, word in enumerate(_compressed(f"words/{language}"), start=1)}


def every_word() -> Iterator[str]:
    """Yield the common words of all languages, names among them, and given names; nothing of it is kept."""
    for language in sorted(LANGUAGES):
        yield from _compressed(f"words/{language}")
    yield from given_names()


def is_known_word(word: str) -> bool:
    """Whether some language has the word among its common words or given names, in lower case."""
    hashes, sought = _word_hashes(), hash(word.lower())
    return bool(hashes[np.searchsorted(hashes, sought) % len(hashes)] == sought)


@cache
def _word_hashes() -> NDArray[np.int64]:
    """Return the hashes of all common words, sorted: 8 MB where the words would take 200."""
    return np.sort(np.fromiter(map(hash, every_word()), np.int64))


def is_dictionary_form(word: str, language: str) -> bool:
    """Whether a dictionary of the language has the word, in lower case, as a form of a word that is no name.

    These are rarer than the common words (`ranks`). Of a language without a dictionary none is.
    """
    hashes = _form_hashes(language)
    index = int(np.searchsorted(hashes, sought := hash(word)))
    return index < len(hashes) and bool(hashes[index] == sought)


@cache
def _form_hashes(language: str) -> NDArray[np.int64]:
    """Return the hashes of the dictionary's forms, sorted: 3 MB where the forms would take 30."""
    forms = _compressed(f"forms/{language}") if language in DICTIONARIES else []
    return np.sort(np.fromiter(map(hash, forms), np.int64))


def is_attested(word: str, language: str) -> bool:
    """Whether the word, in lower case, is used in large corpora, if rarely: once in ten million words or more.

    Of Greek, Korean and Turkish it is whether a large dictionary has it. Rare words and usual names are attested,
    invented names are not. One word in a hundred or fewer is taken for one that is: 26 bits of their hashes are
    compared. Of a language that is not in ATTESTED none is.
    """
    hashes = _attested_hashes(language)
    index = int(np.searchsorted(hashes, sought := crc32(word.encode()) & _HASH_BITS))
    return index < len(hashes) and int(hashes[index]) == sought


@cache
def _attested_hashes(language: str) -> NDArray[np.uint32]:
    """Return the hashes, sorted; in the file are their differences, low bytes first and high bytes after them."""
    if language not in ATTESTED:
        return np.zeros(0, np.uint32)
    data = files("guard.text").joinpath("word_lists", "attested", f"{language}.bin.xz").read_bytes()
    low, high = np.frombuffer(lzma.decompress(data), np.uint8).reshape(2, -1).astype(np.uint32)
    return np.cumsum(low + (high << 8), dtype=np.uint32)


@cache
def english_names() -> frozenset[str]:
    """Return those of the English words that are only names, abbreviations or foreign, in lower case."""
    return frozenset(_compressed("names_en"))


@cache
def english_compounds() -> frozenset[str]:
    """Return the English nouns of two words that a dictionary has: civil engineer, breast cancer."""
    return frozenset(_compressed("compounds_en"))


@cache
def places() -> frozenset[str]:
    """Return names, in many languages and in lower case, of places and other things that everybody knows.

    Countries, regions, cities of 50,000 inhabitants, languages, currencies, months, weekdays, institutions.
    """
    return frozenset(_compressed("places")).union(line.casefold() for line in known_names())


@cache
def known_names() -> tuple[str, ...]:
    """Return the names that everybody knows and that are no places: institutions, firms, old works, authors."""
    return tuple(_lines("known_names"))


@cache
def given_names() -> frozenset[str]:
    """Return given names of many languages, in lower case."""
    return frozenset(_compressed("given_names"))


@cache
def family_names(language: str) -> frozenset[str]:
    """Return the family names of Japanese, and the commonest of Chinese or Korean."""
    return frozenset(
        _compressed("family_names_ja") if language == "ja" else _by_language("family_names").get(language, ())
    )


@cache
def japanese_given_names() -> frozenset[str]:
    """Return the given names of Japanese, in ideographs and hiragana."""
    return frozenset(_compressed("given_names_ja"))


@cache
def months() -> frozenset[str]:
    """Return the names of months in all languages, whole and short, in lower case."""
    return frozenset(_lines("months")) - _NO_MONTHS


@cache
def frequent_words() -> Mapping[str, tuple[str, ...]]:
    """Return the 300 commonest words, commonest first, of each language that shares its script with others."""
    return _by_language("frequent")


def is_frequent(word: str) -> bool:
    """Whether a word, in any case, is among those of any language that shares its script with others."""
    return word.lower() in _frequent()


@cache
def _frequent() -> frozenset[str]:
    return frozenset(word for words in frequent_words().values() for word in words)


def works(language: str) -> frozenset[str]:
    """Return the words of a language for works that have titles, inflected ones too: novel, powieści."""
    return _word_sets("works").get(language, frozenset())


def title_openers(language: str) -> frozenset[str]:
    """Return words that hardly follow the word for a work, so that a title begins there: nobody, mañana."""
    return _word_sets("title_openers").get(language, frozenset())


@cache
def _word_sets(name: str) -> Mapping[str, frozenset[str]]:
    return {language: frozenset(words) for language, words in _by_language(name).items()}


@cache
def simplified() -> Mapping[int, str]:
    """Return the simplified form of each traditional Chinese character, as a table of `str.translate`."""
    pairs = "".join(_lines("simplified"))
    return {ord(old): new for old, new in zip(pairs[::2], pairs[1::2], strict=True)}


def _by_language(name: str) -> dict[str, tuple[str, ...]]:
    rows = (line.split() for line in _lines(name))
    return {row[0]: tuple(row[1:]) for row in rows}


def _lines(name: str) -> list[str]:
    lines = files("guard.text").joinpath("word_lists", f"{name}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _compressed(name: str) -> list[str]:
    data = files("guard.text").joinpath("word_lists", f"{name}.txt.xz").read_bytes()
    return lzma.decompress(data).decode("utf-8").split("\n")[:-1]
