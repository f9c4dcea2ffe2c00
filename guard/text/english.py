"""How common an English word is: a phrase must not consist of common words."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import islice

from guard.text.lexicon import english_names, ranks

# The commonest English words that are not names.
_MAX_WORDS = 12_000

# Endings of words for qualities, manners and actions, which are rarely what must be forgotten.
_DERIVED = (
    *("ing", "ings", "ed", "ly", "ive", "ous", "ful", "less", "ity", "ities", "ness", "able", "ible"),
    *("ial", "ual", "ical", "ise", "ises", "ize", "izes", "ates", "ation", "ations"),
)
_GRAM_CHARS = 4
_INFLECTED = (
    ("ies", "y"),
    ("es", ""),
    ("s", ""),
    ("ed", ""),
    ("ed", "e"),
    ("ing", ""),
    ("ing", "e"),
    ("ly", ""),
    ("er", ""),
    ("er", "e"),
    ("ers", ""),
    ("ers", "e"),
)
_ENDINGS = tuple({ending for ending, _ in _INFLECTED})


def is_stop(word: str) -> bool:
    """Whether the word, in any case, carries no meaning of its own."""
    return word.lower() in _stop_words()


def is_common(word: str) -> bool:
    """Whether the word, in any case, or the word it is inflected from is a stop word or a listed word."""
    word = word.lower()
    if word in _stop_words() or word in _ranks():
        return True
    if not word.endswith(_ENDINGS):
        return False
    stems = (word.removesuffix(ending) + rest for ending, rest in _INFLECTED if word.endswith(ending))
    return any(stem in _ranks() for stem in stems)


def is_derived(word: str) -> bool:
    """Whether the word has an ending of qualities, manners or actions."""
    return word.lower().endswith(_DERIVED)


def rank(word: str) -> int:
    """Return the word's rank by frequency, from 1, or one past the last for a word that is not listed."""
    return _ranks().get(word.lower(), len(_ranks()) + 1)


def hides_in_common_word(folded: str) -> bool:
    """Whether a common word contains this folded text, so that forbidding it would forbid that word too."""
    # Most texts have letters in a row that no common word has, which is told faster than the whole is searched.
    grams = (folded[at : at + _GRAM_CHARS] for at in range(max(1, len(folded) - _GRAM_CHARS + 1)))
    return all(gram in _grams() for gram in grams if len(gram) == _GRAM_CHARS) and folded in _joined()


def common_words() -> tuple[str, ...]:
    """Return the listed words without the stop words, most frequent first."""
    return tuple(word for word in _ranks() if word not in _stop_words())


def inside_another_common_word(word: str) -> bool:
    """Whether a longer common word contains this one, as "party" contains "art"."""
    return _joined().count(word) > 1


@cache
def _ranks() -> dict[str, int]:
    ordinary = (word for word in ranks("en") if word not in english_names() and word.isascii() and word.isalpha())
    return {word: rank for rank, word in enumerate(islice(ordinary, _MAX_WORDS), start=1)}


@cache
def _stop_words() -> frozenset[str]:
    lines = files("guard.text").joinpath("stop_words.txt").read_text("ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


@cache
def _joined() -> str:
    return " ".join((*_stop_words(), *_ranks()))


@cache
def _grams() -> frozenset[str]:
    return frozenset(_joined()[at : at + _GRAM_CHARS] for at in range(len(_joined())))
