"""Replaces what tells a target in texts by surrogates, and knows what was replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from guard.evidence.distinctiveness import decisive_phrases
from guard.matching.automaton import Automaton
from guard.matching.patterns import folded_phrases
from guard.surrogates.words import surrogate
from guard.targets.phrases import names_of
from guard.targets.target import ForgetTarget, Kind
from guard.text.composition import MARKS, compose
from guard.text.english import is_common, is_stop
from guard.text.normalise import fold

MAX_ATTEMPTS = 32
"""To find a surrogate that the conversation does not have."""
MIN_PART_LETTERS = 3
"""Of a word of a name that is replaced where it stands alone."""

WORD = re.compile(rf"(?:[^\W\d_]|[{MARKS}])+")


class Substitution:
    """The surrogates in one conversation of the names and decisive phrases of some targets.

    Words that say nothing of a name ("of", "the"), initials and numbers stay. In names of people a word that is
    not common is replaced alone too, so that "Ms. Quarnwick" goes the way of "Orla Quarnwick".

    originals  by surrogate, in small letters: the word that it stands for, as the caller wrote it first
    """

    def __init__(self, targets: Sequence[ReplacedPhrases], conversation: str, attempt: int = 0) -> None:
        """`conversation` is all that the surrogates must not be in; another `attempt` makes other ones."""
        self._targets = targets
        self._taken = fold(conversation)
        self._attempt = attempt
        # By fold.
        self._surrogates: dict[str, str] = {}
        self.originals: dict[str, str] = {}

    def replace(self, text: str) -> str:
        """Return `text` with surrogates; as it is, but composed, where nothing is replaced."""
        text = compose(text)
        found, at = [], 0
        for span in self._spans(text):
            found += [text[at : span.start], self._replaced(text[span.start : span.end], span)]
            at = span.end
        return "".join([*found, text[at:]])

    def _spans(self, text: str) -> Iterator[Span]:
        """Yield what is replaced, in order. Of spans that overlap, one of a name as given goes before others,
        then the first, then the longest."""
        spans = chain.from_iterable(target.spans(text) for target in self._targets)
        taken = bytearray(len(text))
        kept = []
        for span in sorted(spans, key=lambda one: (not one.is_name, one.start, -one.end)):
            if not any(taken[span.start : span.end]):
                taken[span.start : span.end] = b"\1" * (span.end - span.start)
                kept.append(span)
        yield from sorted(kept)

    def _replaced(self, written: str, span: Span) -> str:
        words = WORD.findall(written)
        # A name that is spelt letter by letter is written as the target has it.
        is_spelt = len(words) > max(len(WORD.findall(span.phrase)), len("".join(words)) // 2)
        return WORD.sub(lambda word: self._word(word[0], span), span.phrase if is_spelt else written)

    def _word(self, word: str, span: Span) -> str:
        folded = fold(word)
        if not _tells(word, is_title=span.is_title):
            return word
        if folded not in self._surrogates:
            self._surrogates[folded] = self._new(word, span)
        found = self._surrogates[folded]
        if not found:
            return word
        self.originals.setdefault(found, word)
        return in_case(found, word)

    def _new(self, word: str, span: Span) -> str:
        for attempt in range(MAX_ATTEMPTS):
            tried = attempt + MAX_ATTEMPTS * self._attempt
            found = surrogate(word, span.key, tried, is_name=not span.is_title)
            if found and fold(found) not in self._taken and self._is_new(found):
                return found
        return ""

    def _is_new(self, found: str) -> bool:
        """Whether it neither begins with another surrogate nor another one with it."""
        others = filter(None, self._surrogates.values())
        return not any(other.startswith(found) or found.startswith(other) for other in others)


def in_case(word: str, like: str) -> str:
    """Return `word` in capitals, small letters or with a capital at its beginning, as `like` is written."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    if like.islower():
        return word.lower()
    if like[:1].isupper() and (word.islower() or (len(word) > 1 and word.isupper())):
        return word[:1].upper() + word[1:].lower()
    return word


class Span(NamedTuple):
    """Characters [start, end) of a text, and the phrase of a target that they say.

    is_name   whether that is a name as it was given
    is_title  whether it is no name of a person, but a title and the like
    """

    start: int
    end: int
    key: str
    phrase: str
    is_name: bool
    is_title: bool


class ReplacedPhrases:
    """The names and decisive phrases of one target, and the words of its names that tell it alone."""

    def __init__(self, target: ForgetTarget) -> None:
        draft = target.draft
        self._key = target.id
        names = names_of(draft)
        # Of a work, the name is a title.
        self._names = frozenset(map(fold, names)) if draft.kind is Kind.PERSON else frozenset()
        self._first = frozenset(map(fold, (draft.name, *draft.aliases)))
        given: dict[str, str] = {}
        for phrase in (*names, *decisive_phrases(target)):
            given.setdefault(fold(phrase), phrase)
        given.pop("", None)
        self._given = given
        self._automaton = Automaton.forbidding(given.values()) if given else None
        self._order = folded_phrases(given.values())
        words = chain.from_iterable(map(WORD.findall, names)) if draft.kind is Kind.PERSON else ()
        self._parts = frozenset(
            folded
            for word in words
            if len(folded := fold(word)) >= MIN_PART_LETTERS and not word.islower() and not is_common(word)
        )

    def spans(self, text: str) -> Iterator[Span]:
        for found in self._automaton.matches(text) if self._automaton else ():
            folded = self._order[found.phrase]
            is_title = folded not in self._names
            yield Span(found.start, found.end, self._key, self._given[folded], folded in self._first, is_title)
        for word in WORD.finditer(text) if self._parts else ():
            if fold(word[0]) in self._parts:
                yield Span(*word.span(), self._key, word[0], is_name=False, is_title=False)


def _tells(word: str, *, is_title: bool) -> bool:
    """Whether a word of a name or a title is replaced: not an initial, nor what joins words ("of", "the")."""
    return len(fold(word)) > 1 and not (is_stop(word) and (is_title or word.islower()))
