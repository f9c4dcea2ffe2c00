"""Broken names: words that begin as one of a forbidden phrase and end otherwise ("Weasel" of "Weasley")."""

from __future__ import annotations

from collections.abc import Iterable

from guard.text.english import is_common
from guard.text.normalise import fold
from guard.text.words import words_of

MIN_LETTERS = 4
"""Letters that a word has in common with the beginning of a phrase's word, at least."""
MIN_SHARE = 0.5
"""And the share of the phrase's word that these are."""


def broken_names(answer: str, phrases: Iterable[str]) -> tuple[str, ...]:
    """Return the words of `answer` that are broken names. An everyday word in small letters is none."""
    whole = {fold(word.text) for phrase in phrases for word in words_of(phrase)}
    return tuple(word.text for word in words_of(answer) if _is_broken(word.text, whole))


def _is_broken(word: str, whole: set[str]) -> bool:
    folded = fold(word)
    if folded in whole or (word.islower() and is_common(word)):
        return False
    return any(_begins_as(folded, name) for name in whole)


def _begins_as(folded: str, name: str) -> bool:
    common = 0
    for left, right in zip(folded, name, strict=False):
        if left != right:
            break
        common += 1
    return common >= max(MIN_LETTERS, MIN_SHARE * len(name))
