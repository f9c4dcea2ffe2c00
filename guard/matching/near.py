"""Near copies: most of a long phrase's words said in order, or nearly a passage's, whatever is put between them.

An automaton finds runs of characters; here words are counted, so that a word replaced, added or left out does not
hide the rest.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, Protocol, TypeVar

from guard.matching.alignment import PassageWords, Scores
from guard.matching.edits import EditPattern
from guard.text.composition import compose
from guard.text.english import is_stop
from guard.text.normalise import fold
from guard.text.words import Word, words_of

S = TypeVar("S")
MIN_CONTENT_WORDS = 3
"""Content words of a phrase that is long enough to be told by most of them."""
MIN_SHARE = 0.6
"""The share of a phrase's content words, in order, by which a text tells it."""
SPREAD = 2
"""How many times its own number of content words a phrase may be spread over: more are no longer the phrase."""
MAX_CONTENT_WORDS = 48
"""A longer phrase counts as several."""
MAX_WORD_CHARS = 200
"""A longer word counts as several."""
# What a word may end with and still go on: "Night'" becomes "Night'll".
_MAY_GO_ON = re.compile(r"[-'’]?\w*")


def content_words(text: str) -> tuple[str, ...]:
    """Return the folds of the words of `text` that carry meaning."""
    words = (word.text for word in words_of(compose(text)))
    return tuple(folded for word in words if not is_stop(word) and (folded := fold(word)))


def words_needed(count: int) -> int:
    """Return how many of a phrase's `count` content words tell it."""
    return math.ceil(MIN_SHARE * count - 1e-9)


def common_in_order(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the length of the longest common subsequence."""
    row = [0] * (len(right) + 1)
    for word in left:
        before = 0
        for place, other in enumerate(right, start=1):
            before, row[place] = row[place], before + 1 if word == other else max(row[place], row[place - 1])
    return row[-1]


class Values(Protocol[S]):
    """What a text tells word by word: `guard.variants.values.value_matcher`, `guard.variants.name_matcher`."""

    @property
    def start(self) -> S: ...

    def step(self, state: S, word: str) -> tuple[S, bool]: ...

    def without_stated(self, text: str) -> Values[S]: ...

    def __bool__(self) -> bool: ...


@dataclass(frozen=True)
class NearTexts:
    """What must not be nearly said, of one target or several.

    phrases   content words of each long phrase
    passages  passages with the number of words of a near quote that is one too many, for each target
    secrets   strings that are forbidden with a few characters wrong
    values    dates, numbers and names that must not be told in other ways, of each target
    """

    phrases: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    passages: tuple[tuple[PassageWords, int], ...] = field(default=(), repr=False)
    secrets: tuple[EditPattern, ...] = ()
    values: tuple[Values[Any], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.phrases or self.passages or self.secrets or self.values)

    @cached_property
    def by_pair(self) -> dict[str, dict[str, list[tuple[str, ...]]]]:
        """The phrases that have a word, and a later one: by the first, and by the second."""
        found: dict[str, dict[str, list[tuple[str, ...]]]] = {}
        for phrase in self.phrases:
            for first, second in dict.fromkeys(combinations(phrase, 2)):
                found.setdefault(first, {}).setdefault(second, []).append(phrase)
        return found

    @cached_property
    def window(self) -> int:
        """The most content words that a phrase may be spread over."""
        return SPREAD * max(map(len, self.phrases), default=0)


class TextScanner(Protocol):
    """A streaming matcher that releases text as it comes, up to the first match."""

    @property
    def matched(self) -> bool: ...

    def feed(self, text: str) -> str: ...

    def finish(self, watched: int = 0) -> str: ...

    def drop(self) -> None: ...

    def copy(self) -> TextScanner: ...


def would_match(scanner: TextScanner, text: str) -> bool:
    """Whether `scanner` would withhold some of the text it is given if that went on with `text`, or ended with it.

    Signs and blanks alone can only be what a phrase ends before. `scanner` stays as it is.
    """
    if isinstance(scanner, NearScanner) and scanner.is_far(text):
        scanner = scanner.plain
    twin = scanner.copy()
    twin.feed(text)
    if not twin.matched and fold(text):
        twin.finish()
    return twin.matched


class NearScanner:
    """Releases what `scanner` does, up to the word with which a text nearly says one of `near`.

    Where the next word could be that one, it is held back until it is complete. Where a near copy began is
    released already: what was said is less than tells, and the word that would make it more is not released. How
    the text is cut into chunks changes when characters are released, never which. `seed` is the text before, in
    which a near copy may begin.
    """

    def __init__(self, scanner: TextScanner, near: Sequence[NearTexts], seed: str = "") -> None:
        self.plain = scanner
        """What finds phrases alone."""
        self._near = [texts for texts in near if texts.phrases]
        self._passages = [passages for texts in near for passages in texts.passages]
        self._secrets = [secret for texts in near for secret in texts.secrets]
        self._values = [values for texts in near for values in texts.values]
        self._said: deque[str] = deque(maxlen=max((texts.window for texts in near), default=0))
        # Which of those have a later word in some phrase, with their numbers.
        self._firsts: deque[tuple[int, str]] = deque()
        self._number = 0
        self._scores = [passages.start for passages, _ in self._passages]
        self._states = [secret.start for secret in self._secrets]
        self._told = [values.start for values in self._values]
        # The beginning, already released, of a word that goes on, and what is held back.
        self._begun = self._held = ""
        self._nearly_matched = False
        for word in words_of(compose(seed)):
            self._tells(word.text)
        # Of a secret that the client has said itself, what follows adds nothing.
        for k, secret in enumerate(self._secrets):
            self._states[k] = secret.start if secret.ends(self._states[k]) else self._states[k]

    @property
    def matched(self) -> bool:
        """Whether a phrase occurred, or nearly; nothing is released from then on."""
        return self._nearly_matched or self.plain.matched

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may be released now."""
        if self.matched:
            return ""
        self._held += self.plain.feed(text)
        return self._release(ended=self.plain.matched)

    def finish(self, watched: int = 0) -> str:
        """Return what may be released of the characters held back, as `Scanner.finish` does."""
        if self._nearly_matched:
            return ""
        self._held += self.plain.finish(watched)
        return self._release(ended=True)

    def drop(self) -> None:
        """Withhold the characters held back: the text was given up because only a phrase could follow."""
        self.plain.drop()
        self._held = ""

    def copy(self) -> NearScanner:
        """Return a scanner in the same state, which reads on by itself."""
        twin = NearScanner.__new__(NearScanner)
        twin.__dict__.update(self.__dict__)
        twin.plain = self.plain.copy()
        twin._said, twin._firsts = self._said.copy(), self._firsts.copy()
        twin._scores, twin._states, twin._told = list(self._scores), list(self._states), list(self._told)
        return twin

    def _release(self, *, ended: bool) -> str:
        before, text = len(self._begun), self._begun + self._held
        end = len(text)
        self._begun = self._held = ""
        for word in _words(text):
            goes_on = not ended and end - word.start < MAX_WORD_CHARS
            if goes_on and _MAY_GO_ON.fullmatch(text, word.end):
                if self._could_end():
                    end = word.start
                    self._held = text[end:]
                else:
                    self._begun = text[word.start :]
                break
            if self._tells(compose(word.text)):
                self._nearly_matched, end = True, word.start
                break
        return text[before:end]

    def is_far(self, text: str) -> bool:
        """Whether `text`, next, cannot make the text nearly say anything, for certain: it is cheaper to ask."""
        if self._could_end(words=2) or len(words_of(text)) > 1:
            return False
        begun = [fold(compose(word.text)) for word in words_of(self._begun + self._held)]
        return not any(word in texts.by_pair for texts in self._near for word in begun)

    def _could_end(self, words: int = 1) -> bool:
        """Whether one of the next words may be the one with which something is nearly said."""
        if self._secrets or self._values or any(scores.max() + words >= most for scores, most in self._counted()):
            return True
        return bool(self._firsts)

    def _counted(self) -> Iterator[tuple[Scores, int]]:
        return zip(self._scores, (most for _, most in self._passages), strict=True)

    def _tells(self, word: str) -> bool:
        """Take one more word; return whether the text nearly says something with it."""
        folded = fold(word)
        if not folded:
            return False
        tells = self._ends_passage(folded) or self._ends_secret(folded)
        tells = self._ends_value(word) or tells
        return (not is_stop(word) and self._ends_phrase(folded)) or tells

    def _ends_passage(self, folded: str) -> bool:
        quoted = False
        for k, (passages, most) in enumerate(self._passages):
            self._scores[k], words = passages.step(self._scores[k], folded)
            quoted = quoted or words >= most
        return quoted

    def _ends_secret(self, folded: str) -> bool:
        found = False
        for k, secret in enumerate(self._secrets):
            for char in folded:
                self._states[k] = secret.step(self._states[k], char)
                found = found or secret.ends(self._states[k])
        return found

    def _ends_value(self, word: str) -> bool:
        steps = [values.step(state, word) for values, state in zip(self._values, self._told, strict=True)]
        self._told = [state for state, _ in steps]
        return any(told for _, told in steps)

    def _ends_phrase(self, folded: str) -> bool:
        self._said.append(folded)
        self._number += 1
        firsts, oldest = self._firsts, self._number - (self._said.maxlen or 0)
        while firsts and firsts[0][0] <= oldest:
            firsts.popleft()
        words = dict.fromkeys(word for _, word in firsts)
        for texts in self._near:
            pairs = texts.by_pair
            if folded in pairs:
                firsts.append((self._number, folded))
            phrases = (phrase for word in words if word in pairs for phrase in pairs[word].get(folded, ()))
            if any(map(self._is_told, phrases)):
                return True
        return False

    def _is_told(self, phrase: tuple[str, ...]) -> bool:
        needed, said = words_needed(len(phrase)), list(self._said)[-SPREAD * len(phrase) :]
        if len(set(phrase).intersection(said)) < min(needed, len(set(phrase))):
            return False
        told = common_in_order(said, phrase)
        # Not by what the text before has said alone.
        return told >= needed and told > common_in_order(said[:-1], phrase)


def _words(text: str) -> Iterator[Word]:
    """Yield the words of `text`, long ones in pieces, so that how much of one has come makes no difference."""
    for word in words_of(text):
        start, end = word.start, word.end
        while end - start > MAX_WORD_CHARS:
            yield Word(text[start : start + MAX_WORD_CHARS], start, start + MAX_WORD_CHARS)
            start += MAX_WORD_CHARS
        yield Word(text[start:end], start, end)
