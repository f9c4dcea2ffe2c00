"""Passages that must not be quoted: the forbidden runs of their words, and the longest quote in a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple
from unicodedata import normalize

from guard.phrases.context import is_specific
from guard.targets.target import ForgetTarget
from guard.text.composition import compose
from guard.text.normalise import fold
from guard.text.spellings import spellings
from guard.text.words import words_of


class Quote(NamedTuple):
    """The longest run of a passage's words in a text: its length, and the index of the passage, -1 for none."""

    words: int
    passage: int


def enforced(target: ForgetTarget) -> Iterator[str]:
    """Yield everything that `target` forbids: its phrases, their variants, and every run of `quoted_words` words
    of its passages.

    A passage with fewer words is forbidden as a whole, unless it has only common words. The runs are folded, too
    many to be listed for review. What folds like an exception is left out.
    """
    yield from enforced_phrases(target)
    draft = target.draft
    excepted = {fold(exception) for exception in draft.exceptions}
    for passage in draft.passages:
        folded = _Folded(compose(passage))
        short = len(folded) < draft.quoted_words
        if short and not is_specific(passage):
            continue
        length = min(draft.quoted_words, len(folded))
        runs = (folded.run(first, first + length) for first in range(len(folded) - length + 1))
        # Decomposed too: Hangul and kana in pieces do not fold alike.
        spelt = (dict.fromkeys((run, normalize("NFD", run))) for run in runs if run and run not in excepted)
        yield from chain.from_iterable(spelt)


def enforced_phrases(target: ForgetTarget) -> Iterator[str]:
    """Yield the phrases of `target`, each followed by its other spellings, and their variants."""
    excepted = {fold(exception) for exception in target.draft.exceptions}
    for phrase in target.forbidden:
        yield from (spelling for spelling in spellings(phrase) if fold(spelling) not in excepted)
    yield from target.variants


def longest_quote(passages: Iterable[str], text: str) -> Quote:
    """Return the longest run of consecutive words of any passage that occurs in `text`, both folded.

    Case, spacing, punctuation and look-alike letters make no difference, as in restriction, and words may be split
    or joined in the text: the passage's words are counted.
    """
    folded_text = fold(compose(text))
    best = Quote(0, -1)
    for index, passage in enumerate(passages):
        folded = _Folded(compose(passage))
        # At each word, only a run longer than the best so far matters.
        first, length = 0, best.words + 1
        while first + length <= len(folded):
            if folded.run(first, first + length) in folded_text:
                best = Quote(length, index)
                length += 1
            else:
                first += 1
    return best


class _Folded:
    """A passage folded once, with the span of each of its words."""

    def __init__(self, passage: str) -> None:
        self._spans: list[tuple[int, int]] = []
        parts: list[str] = []
        offset = end = 0
        for word in words_of(passage):
            between, shown = fold(passage[end : word.start]), fold(passage[word.start : word.end])
            end = word.end
            parts += (between, shown)
            offset += len(between)
            # A word may fold to nothing, such as one of modifier letters.
            if shown:
                self._spans.append((offset, offset + len(shown)))
            offset += len(shown)
        self._text = "".join(parts)

    def __len__(self) -> int:
        return len(self._spans)

    def run(self, first: int, last: int) -> str:
        """Return the folded text of the words [first, last)."""
        return self._text[self._spans[first][0] : self._spans[last - 1][1]]
