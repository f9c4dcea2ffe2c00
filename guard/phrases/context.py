"""What is common and tells nothing by itself: frequent words of a language, places, months, given names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cache

from guard.text.english import hides_in_common_word, is_stop
from guard.text.english import is_common as is_common_english
from guard.text.lexicon import (
    english_names,
    frequent_words,
    given_names,
    is_attested,
    is_dictionary_form,
    places,
    ranks,
)
from guard.text.normalise import ascii_digits, fold
from guard.text.words import words_of

# Their nouns are written with a capital.
CAPITALISED_NOUNS = frozenset({"de"})
# A word that has all but so many letters of a common word, at its beginning, is an inflected form of it.
_MAX_ENDING = 2
# Some write them, some do not.
_CIRCUMFLEXES = str.maketrans("âîû", "aiu")
_MIN_STEM = 5
_MIN_PART = 4
_FUNCTION_WORDS = 80
# Endings of cases of adjectives and places, and those of the first case that they may stand for.
_ADJECTIVES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ru": (("ого ому ым ом ая ой ую ое ые ых ыми его ему им ем яя ей юю ее ие их ими", "ый ий ой"),),
    "pl": (("ego emu ym im a ą ej e ych ich ymi imi", "y i"),),
    "el": (("ου ο ον ων ους οι ης η ην ες α", "ος ός ής"),),
}
_PLACE_CASES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ru": (("ой ою ей ы и е у ю", "а я ь"), ("а у ом ем е я ю", " ь о")),
    "uk": (("ою ею и і у ю", "а я ь"), ("а у ом ем і я ю", " ь о")),
    "pl": (("ą ę y i ie", "a"), ("a u owi em ie iem ia iu", " ń"), ("a u em", "o")),
    "el": (("ης ας", "η α"), ("ές ών", "ή"), ("ου ο", "ος ός ο")),
}
_MIN_PLACE_STEM = 3
MAX_FREQUENT_RANK = 3_000
# Shorter parts of a word with hyphens tell nothing.
_MIN_HYPHENATED = 2
# Parts of compounds are words of this rank at most.
_MAX_PART_RANK = 30_000
_MAX_COMPOUND_CHARS = 40
_LINKS = ("", "s", "es", "n", "en", "er", "e")
_INSIDE_PLACES = frozenset({"de", "des", "du", "la", "le", "les", "sur", "sous", "en", "lès", "aux", "d'en"})
_MIN_PHRASE_BYTES = 4
_MIN_DIGITS = 6


def is_common(word: str, language: str) -> bool:
    """Whether the word, in any case, is common in the language, as a name or otherwise, or known everywhere."""
    lower = lowered(word, language)
    if language == "ru":
        lower = lower.replace("ё", "е")
    if language == "tr" and lower not in ranks("tr"):
        lower = lower.translate(_CIRCUMFLEXES)
    if lower in ranks(language) or is_place(word) or is_stop(lower) or _is_inflected(lower, language):
        return True
    parts = lower.split("-")
    return len(parts) > 1 and all(len(part) < _MIN_HYPHENATED or is_common(part, language) for part in parts)


def is_listed(word: str, language: str) -> bool:
    """Whether a dictionary of the language or large corpora have the word: a rarer one than common words."""
    return is_in_dictionary(word, language) or is_attested(lowered(word, language), language)


def is_in_dictionary(word: str, language: str) -> bool:
    """Whether a dictionary of the language has the word: a rarer one than those that are common."""
    return is_dictionary_form(lowered(word, language), language) or is_adjective(word, language)


def is_adjective(word: str, language: str) -> bool:
    """Whether the word has the ending of an adjective in one of its cases."""
    forms = _first_cases(word.lower(), _ADJECTIVES.get(language, ()), _MIN_STEM - 1)
    return any(_is_word(form, language) for form in forms)


def _is_word(lower: str, language: str) -> bool:
    return lower in ranks(language) or is_dictionary_form(lower, language)


def is_inflected_place(word: str, language: str) -> bool:
    """Whether a known place differs in its case alone: под Тулой, z Torunia."""
    return any(map(is_place, _first_cases(word.lower(), _PLACE_CASES.get(language, ()), _MIN_PLACE_STEM)))


def _first_cases(lower: str, cases: tuple[tuple[str, str], ...], shortest: int) -> Iterator[str]:
    """Yield the forms of the first case that a word may be an inflected one of, of stems that are long enough."""
    for endings, others in cases:
        for ending in endings.split(" "):
            if lower.endswith(ending) and len(lower) - len(ending) >= shortest:
                yield from (lower.removesuffix(ending) + other for other in others.split(" "))


def is_ordinary(word: str, language: str) -> bool:
    """Whether the word is common and more than a name."""
    lower = lowered(word, language)
    if not is_common(word, language) or lower in given_names():
        return False
    return not (language == "en" and lower in english_names() and not is_stop(lower))


def is_frequent(word: str, language: str, max_rank: int = MAX_FREQUENT_RANK) -> bool:
    """Whether the word is among the commonest few thousand, `max_rank` of them: university, city, hospital."""
    return ranks(language).get(lowered(word, language), max_rank + 1) <= max_rank


def is_function_word(word: str, language: str) -> bool:
    """Whether the word is one of the commonest of its language, which hardly occur in a name."""
    listed = frequent_words().get(language)
    if listed is None:
        return ranks(language).get(word.lower(), _FUNCTION_WORDS + 1) <= _FUNCTION_WORDS
    return word.lower() in listed[:_FUNCTION_WORDS] or (language == "en" and is_stop(word))


def is_rare_compound(word: str, language: str) -> bool:
    """Whether all parts of a word with hyphens have capitals and are no names and not frequent: Merle-Bavard."""
    parts = word.split("-")
    # Saint-Aubrac-des-Loups: nothing but a place is called so.
    if len(parts) > 2 and any(part in _INSIDE_PLACES for part in parts[1:-1]):
        return (
            word[0].isupper()
            and parts[-1][0].isupper()
            and not is_place(word)
            and word.lower() not in ranks(language)
        )
    return (
        len(parts) > 1
        and not is_place(word)
        and word.lower() not in ranks(language)
        and not any(p[:1].islower() or is_given_name(p) or is_place(p) or is_frequent(p, language) for p in parts)
    )


def is_given_name(word: str) -> bool:
    """Whether the word is a given name in some language, with or without its accents: Søren, Soren."""
    return _key(word) in given_names() or (word.isascii() and fold(word) in _unaccented_given_names())


def is_place(text: str) -> bool:
    """Whether the text is the name of a country, region, large city, language, currency, month or weekday."""
    return _key(text) in places()


def is_compound(word: str, language: str) -> bool:
    """Whether the word consists of two or three words of the language, with letters that link them: Schul|hof."""
    return len(word) <= _MAX_COMPOUND_CHARS and _splits(lowered(word, language), language, 3)


def lowered(word: str, language: str) -> str:
    """Return the word in lower case, as the list of its language has it: a Turkish I is an ı, a German ß is ss."""
    if language == "de":
        return word.lower().replace("ß", "ss")
    return word.replace("İ", "i").replace("I", "ı").lower() if language == "tr" else word.lower()


def is_specific(phrase: str) -> bool:
    """Whether the phrase is more than a stop word, a common word or a part of one, so that it can be forbidden."""
    folded = fold(ascii_digits(phrase))
    if folded.isdecimal():
        return len(folded) >= _MIN_DIGITS
    if len(folded.encode()) < _MIN_PHRASE_BYTES or hides_in_common_word(folded):
        return False
    words = [word.text for word in words_of(phrase)]
    return not all(map(is_stop, words)) and not (len(words) == 1 and is_common_english(words[0]))


def _key(text: str) -> str:
    return text.replace("İ", "I").casefold()


def _splits(lower: str, language: str, parts: int) -> bool:
    words = ranks(language)
    if words.get(lower, _MAX_PART_RANK) < _MAX_PART_RANK:
        return True
    if parts == 1:
        return False
    for end in range(len(lower) - _MIN_PART, _MIN_PART - 1, -1):
        first = lower[:end]
        linked = any(
            first.endswith(link) and words.get(first.removesuffix(link), _MAX_PART_RANK) < _MAX_PART_RANK
            for link in _LINKS
            if len(first) - len(link) >= _MIN_PART - 1
        )
        if linked and _splits(lower[end:], language, parts - 1):
            return True
    return False


def _is_inflected(lower: str, language: str) -> bool:
    """Whether a common word differs only in its last letters."""
    if len(lower) < _MIN_STEM + 1:
        return False
    stem = lower[: max(_MIN_STEM, len(lower) - _MAX_ENDING)]
    words = _sorted(language)
    index = bisect_left(words, stem)
    return index < len(words) and words[index].startswith(stem) and len(words[index]) <= len(lower) + _MAX_ENDING


@cache
def _unaccented_given_names() -> frozenset[str]:
    return frozenset(fold(name) for name in given_names() if not name.isascii() and name[0] < "ɐ")


@cache
def _sorted(language: str) -> list[str]:
    return sorted(ranks(language))
