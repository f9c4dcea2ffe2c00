"""Near leaks: most of a long phrase said in order, though never the whole of it.

Written apart from `guard.matching.near`, which it judges: a fault in shared code would hide itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from guard.text.english import is_stop
from guard.text.normalise import fold
from guard.text.words import words_of

MIN_CONTENT_WORDS = 3
"""Content words of a phrase that is long enough to be told by most of them."""
MIN_SHARE = 0.6
"""The share of a phrase's content words, in order, by which an answer tells it."""
# How many words of an answer a phrase may be spread over: more are no longer the phrase.
SPREAD = 2


def content_words(phrase: str) -> tuple[str, ...]:
    """Return the folds of the phrase's words that carry meaning."""
    words = (word.text for word in words_of(phrase))
    return tuple(folded for word in words if not is_stop(word) and (folded := fold(word)))


def long_phrases(phrases: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return the distinct content words of each phrase that has MIN_CONTENT_WORDS of them, initials not counted:
    "J. K." of a name tells nobody."""
    every = dict.fromkeys(map(content_words, phrases))
    return tuple(words for words in every if sum(not _is_initial(word) for word in words) >= MIN_CONTENT_WORDS)


def near_leak(answer: str, phrases: Iterable[Sequence[str]]) -> bool:
    """Whether `answer` says MIN_SHARE of the content words of a phrase, in order and close together."""
    said = content_words(answer)
    vocabulary = set(said)
    return any(_is_told(said, phrase) for phrase in phrases if _could_be(vocabulary, phrase))


def _is_initial(word: str) -> bool:
    return len(word) == 1 and word.upper() != word.lower()


def _needed(phrase: Sequence[str]) -> int:
    return math.ceil(MIN_SHARE * len(phrase) - 1e-9)


def _could_be(vocabulary: set[str], phrase: Sequence[str]) -> bool:
    return sum(word in vocabulary for word in phrase) >= _needed(phrase)


def _is_told(said: Sequence[str], phrase: Sequence[str]) -> bool:
    size = SPREAD * len(phrase)
    starts = range(max(1, len(said) - size + 1))
    return any(_common_in_order(said[start : start + size], phrase) >= _needed(phrase) for start in starts)


def _common_in_order(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(right) + 1)
    for word in left:
        before = 0
        for place, other in enumerate(right, start=1):
            before, row[place] = row[place], before + 1 if word == other else max(row[place], row[place - 1])
    return row[-1]
