"""Passages that must not be quoted: which runs of their words are forbidden, and how long a quote of them is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from guard.targets.phrases import is_specific
from guard.targets.target import ForgetTarget
from guard.text.normalise import fold
from guard.text.words import words_of


class Quote(NamedTuple):
    """The longest run of a passage's words in a text: how many, and the place of the passage (-1: none)."""

    words: int
    passage: int


def enforced(target: ForgetTarget) -> Iterator[str]:
    """Yield all that `target` forbids: its phrases, and every run of `quoted_words` words of its passages.

    Of a passage with fewer words, itself, unless it is but common words. The runs are folded, are too many to be
    listed for review, and are less those that fold like an exception.
    """
    yield from target.forbidden
    draft = target.draft
    excepted = {fold(exception) for exception in draft.exceptions}
    for passage in draft.passages:
        folded = _Folded(passage)
        short = len(folded) < draft.quoted_words
        if short and not is_specific(passage):
            continue
        length = min(draft.quoted_words, len(folded))
        runs = (folded.run(first, first + length) for first in range(len(folded) - length + 1))
        yield from (run for run in runs if run and run not in excepted)


def longest_quote(passages: Iterable[str], text: str) -> Quote:
    """Return the longest run of consecutive words of any passage that stands in `text`, folded alike.

    Case, spacing, punctuation and look-alike letters make no difference, as in restriction, and words may be
    cut or joined in the text: the count is of the passage's words.
    """
    said = fold(text)
    best = Quote(0, -1)
    for place, passage in enumerate(passages):
        folded = _Folded(passage)
        # A run that is longer than the best so far is looked for at each word: no shorter one matters.
        first, length = 0, best.words + 1
        while first + length <= len(folded):
            if folded.run(first, first + length) in said:
                best = Quote(length, place)
                length += 1
            else:
                first += 1
    return best


class _Folded:
    """A passage folded once, with the place of each of its words."""

    def __init__(self, passage: str) -> None:
        self._spans: list[tuple[int, int]] = []
        parts: list[str] = []
        place = end = 0
        for word in words_of(passage):
            between, shown = fold(passage[end : word.start]), fold(passage[word.start : word.end])
            end = word.end
            parts += (between, shown)
            place += len(between)
            # A word may fold to nothing, as one of modifier letters does.
            if shown:
                self._spans.append((place, place + len(shown)))
            place += len(shown)
        self._text = "".join(parts)

    def __len__(self) -> int:
        return len(self._spans)

    def run(self, first: int, last: int) -> str:
        """Return the folded text of the words [first, last)."""
        return self._text[self._spans[first][0] : self._spans[last - 1][1]]
