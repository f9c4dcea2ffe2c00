"""Whether a text is ordinary: what everybody writes is never forbidden as a variant."""

from __future__ import annotations

from functools import cache, lru_cache

from guard.phrases.context import is_common, is_frequent, is_given_name, is_place
from guard.text.english import common_words, hides_in_common_word, is_stop
from guard.text.lexicon import is_known_word
from guard.text.normalise import fold
from guard.text.words import words_of

# In folded characters. No common word is longer.
_MAX_HIDDEN_CHARS = 16


@lru_cache(4096)
def is_rare_name(word: str) -> bool:
    """Whether a name can be forbidden alone: no language has it, or all of its parts, among its common words and
    names, and no common word has it as a part."""
    if all(map(_is_known, word.split("-"))) or is_place(word):
        return False
    folded = fold(word)
    return not (len(folded) <= _MAX_HIDDEN_CHARS and hides_in_common_word(folded))


def content_words(text: str) -> list[str]:
    """Return the words of `text` that are no stop words."""
    return [word.text for word in words_of(text) if not is_stop(word.text)]


def is_ordinary(text: str, language: str = "en", said_words: int = 3) -> bool:
    """Whether `text` is part of a common word, made of common words alone, or a place that everybody knows.

    `said_words` common words in a row are not ordinary if one of them is not among the commonest few thousand.
    """
    words = content_words(text)
    if words and all(is_common(word, language) for word in words):
        return len(words) < said_words or all(is_frequent(word, language) for word in words) or is_place(text)
    folded = fold(text)
    return len(folded) <= _MAX_HIDDEN_CHARS and hides_in_common_word(folded)


def begins_common_word(letters: str) -> bool:
    """Whether a common word begins with `letters`."""
    return f" {letters}" in _spaced()


def ends_common_word(letters: str) -> bool:
    """Whether a common word ends with `letters`."""
    return f"{letters} " in _spaced()


def _is_known(word: str) -> bool:
    if len(word) < 2 or is_given_name(word) or is_place(word):
        return True
    return is_known_word(word) or is_known_word(fold(word))


@cache
def _spaced() -> str:
    return f" {' '.join(common_words())} "
