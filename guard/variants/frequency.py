"""Whether a text is ordinary: what everybody writes is never forbidden as a variant."""

from __future__ import annotations

from functools import cache

from guard.text.english import common_words, hides_in_common_word, is_common, is_stop, rank
from guard.text.normalise import fold
from guard.text.words import words_of

MAX_ORDINARY_RANK = 3_000
# In folded characters. No common word is longer.
_MAX_HIDDEN_CHARS = 16


def is_rare_name(word: str) -> bool:
    """Whether a name is no common word and no part of one, so that it can be forbidden alone."""
    return not any(map(is_common, word.split("-"))) and not hides_in_common_word(fold(word))


def content_words(text: str) -> list[str]:
    """Return the words of `text` that are no stop words."""
    return [word.text for word in words_of(text) if not is_stop(word.text)]


def is_ordinary(text: str, said_words: int = 3) -> bool:
    """Whether `text` is part of a common word, or made of common words alone.

    `said_words` of them in a row are not ordinary if one is beyond the MAX_ORDINARY_RANK most common.
    """
    words = content_words(text)
    if words and all(map(is_common, words)):
        return len(words) < said_words or all(rank(word) <= MAX_ORDINARY_RANK for word in words)
    folded = fold(text)
    return len(folded) <= _MAX_HIDDEN_CHARS and hides_in_common_word(folded)


def begins_common_word(letters: str) -> bool:
    """Whether a common word begins with `letters`."""
    return f" {letters}" in _spaced()


def ends_common_word(letters: str) -> bool:
    """Whether a common word ends with `letters`."""
    return f"{letters} " in _spaced()


@cache
def _spaced() -> str:
    return f" {' '.join(common_words())} "
