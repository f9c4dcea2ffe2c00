"""Near quotes: local alignment of a text with the words of passages, one word of the text after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from guard.text.composition import compose
from guard.text.normalise import fold
from guard.text.words import words_of

Scores = NDArray[np.int32]
"""For each word of the passages, and one place before them: the words of the best near quote that ends there."""
# No word of a text has this number: it stands between passages, and for words that may be said.
_NO_WORD = -1
_UNKNOWN_WORD = -2


def folded_words(text: str) -> list[str]:
    """Return the folds of the words of `text`, without those that fold to nothing."""
    return [folded for word in words_of(compose(text)) if (folded := fold(word.text))]


class PassageWords:
    """The words of passages, immutable. A near quote counts the words that follow each other in passage and text,
    less one for each word that was replaced, added or left out between them (local alignment: Smith-Waterman).

    Words of `allowed` texts count for nothing.
    """

    def __init__(self, passages: Sequence[str], allowed: Sequence[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        free = [words for text in allowed if (words := folded_words(text))]
        rows: list[int] = []
        for passage in passages:
            words = folded_words(passage)
            numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in words]
            for text in free:
                for at in range(len(words) - len(text) + 1):
                    if words[at : at + len(text)] == text:
                        numbers[at : at + len(text)] = [_NO_WORD] * len(text)
            rows += [*numbers, _NO_WORD]
        self._words = np.array(rows, np.int32)
        self._places = np.arange(len(rows) + 1, dtype=np.int32)

    @property
    def start(self) -> Scores:
        """The scores before the first word of a text."""
        return np.zeros(len(self._words) + 1, np.int32)

    def step(self, before: Scores, folded: str) -> tuple[Scores, int]:
        """Return the scores after one more word, and the words of the longest near quote that ends with it.

        Numbers that no passage has count for nothing.
        """
        if folded.isdecimal() and folded not in self._numbers:
            # Of a numbered list: one word a line.
            return before, 0
        same = self._words == self._numbers.get(folded, _UNKNOWN_WORD)
        after = np.maximum(before - 1, 0)
        # The word replaces one of the passage, or is the same.
        np.maximum(after[1:], before[:-1] + np.where(same, 1, -1), out=after[1:])
        # One word of the passage after the other is left out: the best of any earlier place, less the way from it.
        after = np.maximum.accumulate(after + self._places) - self._places
        return after, int(after[1:][same].max(initial=0))


def longest_near_quote(passages: Sequence[str], text: str) -> int:
    """Return the words of the longest near quote of any passage in `text`, see `PassageWords`; at least as many as
    the longest exact one has, where the text splits and joins words as the passage does."""
    alignment = PassageWords(passages)
    scores, longest = alignment.start, 0
    for word in folded_words(text):
        scores, quoted = alignment.step(scores, word)
        longest = max(longest, quoted)
    return longest
