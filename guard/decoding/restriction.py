"""Constrained decoding: the token mask of a row, that is which tokens would complete a forbidden phrase next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from weakref import WeakSet

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from guard.decoding.token_matching import TokenMatcher
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton

MAX_CACHED_RESTRICTIONS = 64
# Bound of one restriction's cache in words of 8 bytes, 40 MB, and what a state and a transition count besides ids.
_MAX_CACHE_WORDS = 5_000_000
# The same of all restrictions of a vocabulary together, 400 MB.
_MAX_TOTAL_CACHE_WORDS = 50_000_000
_STATE_WORDS = 128
_TRANSITION_WORDS = 16


class Cursor(NamedTuple):
    """How far a text has been read: the automaton's state, the bytes of an unfinished UTF-8 character, and the
    state of the automaton of phrases between word borders."""

    state: int = 0
    pending: bytes = b""
    bordered: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MaskState:
    """A cached automaton state: the token ids forbidden there, and the states already reached from it, by token.

    forbidden    the ids, int64 in no order, that may not come next: each would complete a phrase. With
                 SentencePiece also those that would leave ill-formed UTF-8 (see Vocabulary.ill_formed)
    completing   those of them, of tokens of whole characters, that complete a phrase begun before them
    transitions  the next state by token id, for the tokens followed so far
    """

    cursor: Cursor
    forbidden: NDArray[np.int64]
    completing: NDArray[np.int64]
    transitions: dict[int, MaskState] = field(default_factory=dict, repr=False)


class CacheBudget:
    """Bounds the caches of several restrictions together: when they are full, all are dropped."""

    def __init__(self) -> None:
        self.used_words = 0
        self._sharing: WeakSet[Restriction] = WeakSet()

    def share(self, restriction: Restriction) -> None:
        """Let a restriction's cache count."""
        self._sharing.add(restriction)

    def reserve(self, words: int) -> None:
        """Count `words` more, after dropping the caches if that would be too many."""
        if self.used_words + words > _MAX_TOTAL_CACHE_WORDS:
            for restriction in tuple(self._sharing):
                restriction.clear_cache()
            # Those of restrictions that are gone counted too.
            self.used_words = 0
        self.used_words += words


class Restriction:
    """The phrases of one automaton, enforced over the tokens of one vocabulary, whatever the tokenisation.

    Not thread-safe: it caches states and transitions, 40 MB of them at most.
    """

    def __init__(self, automaton: Automaton, vocabulary: Vocabulary, budget: CacheBudget | None = None) -> None:
        """`budget` bounds the cache together with those of other restrictions."""
        self._budget = budget or CacheBudget()
        self._budget.share(self)
        self.automaton = automaton
        self.vocabulary = vocabulary
        self._plain = TokenMatcher(automaton, vocabulary)
        self._bordered = TokenMatcher(automaton.bordered, vocabulary) if automaton.bordered else None
        self._states: dict[Cursor, MaskState] = {}
        self._cached_words = 0

    def seed(self, prompt: Sequence[int]) -> Cursor:
        """Return the cursor after a prompt. A special token separates its turns: only the last turn counts.

        Phrases that lie entirely in the prompt do not count. Raises ValueError as `advance` does.
        """
        first = self._read_from(prompt, stop=self.vocabulary.special)
        begins = first == 0 or prompt[first - 1] in self.vocabulary.special
        cursor = self.advance(self._start(begins=begins), prompt[first:])
        bordered = self.automaton.bordered
        return cursor._replace(
            state=self.automaton.without_end(cursor.state),
            bordered=bordered.without_end(cursor.bordered) if bordered else 0,
        )

    def resume(self, prompt: Sequence[int], output: Sequence[int]) -> Cursor:
        """Return the cursor after a prompt and the tokens generated since, reading only as much as it depends on.

        Raises ValueError as `advance` does.
        """
        # One token more than needed, as the first may begin inside a character.
        first = max(0, self._read_from(output) - 1)
        return self.advance(self.seed(prompt) if first == 0 else self._start(begins=False), output[first:])

    def advance(self, cursor: Cursor, tokens: Sequence[int]) -> Cursor:
        """Return the cursor after these generated tokens; special ones are skipped, as decoding skips them.

        Raises ValueError for an id that is not in the vocabulary.
        """
        read = self._plain.reading.advance(cursor.pending, tokens)
        state, bordered = self.automaton.run(cursor.state, read.folded), 0
        if self._bordered is not None:
            folded = self._bordered.reading.advance(cursor.pending, tokens).folded
            bordered = self._bordered.automaton.run(cursor.bordered, folded)
        return Cursor(state, read.pending, bordered)

    def state(self, cursor: Cursor) -> MaskState:
        """Return the state at this cursor, with its token mask."""
        known = self._states.get(cursor)
        if known is not None:
            return known
        found = [self._plain.completing(cursor.state, cursor.pending)]
        if self._bordered is not None:
            found.append(self._bordered.completing(cursor.bordered, cursor.pending))
        forbidden = [self.vocabulary.ill_formed(cursor.pending), *(ids for one in found for ids in one.all)]
        begun = [one.begun for one in found]
        state = MaskState(cursor, np.concatenate(forbidden), np.concatenate(begun))
        self._reserve(len(state.forbidden) + len(state.completing) + _STATE_WORDS)
        self._states[cursor] = state
        return state

    def next_state(self, state: MaskState, token: int) -> MaskState:
        """Return the state after one more token; raises ValueError as `advance` does."""
        known = state.transitions.get(token)
        if known is None:
            known = self.state(self.advance(state.cursor, (token,)))
            self._reserve(_TRANSITION_WORDS)
            state.transitions[token] = known
        return known

    def forbidden(self, cursor: Cursor) -> NDArray[np.int64]:
        """Return the ids forbidden at this cursor, see MaskState."""
        return self.state(cursor).forbidden

    def completing(self, cursor: Cursor) -> NDArray[np.int64]:
        """Return the ids that complete a phrase at this cursor, see MaskState."""
        return self.state(cursor).completing

    def clear_cache(self) -> None:
        """Drop the cache. Rows keep the state they hold."""
        # States refer to each other, and would otherwise outlive the cache.
        for state in self._states.values():
            state.transitions.clear()
        self._states.clear()
        self._budget.used_words -= self._cached_words
        self._cached_words = 0

    def _start(self, *, begins: bool) -> Cursor:
        """Return the cursor where a text begins, or in the middle of one of which nothing is known."""
        bordered = self.automaton.bordered
        return Cursor(bordered=bordered.initial if bordered and begins else 0)

    def _read_from(self, tokens: Sequence[int], stop: Collection[int] = ()) -> int:
        """Return the index of the token, after any in `stop`, from which on the cursor after all depends."""
        vocabulary, bordered = self.vocabulary, self.automaton.bordered
        needed = max(self.automaton.max_depth, bordered.max_depth if bordered else 0)
        first, shown = len(tokens), 0
        while first and shown < needed and tokens[first - 1] not in stop:
            first -= 1
            # Letters alone: any number of borders count as one.
            shown += len(vocabulary.plain.advance(b"", tokens[first : first + 1]).folded)
        return first

    def _reserve(self, words: int) -> None:
        if self._cached_words + words > _MAX_CACHE_WORDS:
            self.clear_cache()
        self._budget.reserve(words)
        self._cached_words += words


class RestrictionCache:
    """The restrictions of one vocabulary by digest, attached from a folder on first use: an LRU cache."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._vocabulary = vocabulary
        self._attached = _LeastRecentlyUsed(MAX_CACHED_RESTRICTIONS)
        self._budget = CacheBudget()

    def get(self, digest: str) -> Restriction:
        """Return the restriction of this digest; the last MAX_CACHED_RESTRICTIONS used stay attached.

        Raises PolicyUnavailable as `Automaton.attach` does.
        """
        restriction = self._attached.get(digest)
        if restriction is None:
            restriction = Restriction(Automaton.attach(self._folder, digest), self._vocabulary, self._budget)
            self._attached[digest] = restriction
        return restriction


class _LeastRecentlyUsed(LRUCache[str, Restriction]):
    """The restrictions used last; an evicted one drops its cache."""

    def popitem(self) -> tuple[str, Restriction]:
        digest, restriction = super().popitem()
        restriction.clear_cache()
        return digest, restriction
