"""Constrained decoding: the token mask of a row, that is which tokens would complete a forbidden phrase next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from guard.decoding.token_matching import TokenMatcher
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.matching.subset import MAX_KEPT, is_subset
from guard.workers.source import Source

MAX_CACHED_RESTRICTIONS = 64
MAX_CACHE_BYTES = 40_000_000
"""Bound of one restriction's cache."""
MAX_TOTAL_CACHE_BYTES = 400_000_000
"""Bound of the caches of all restrictions of a vocabulary together."""
EARLY_MASK_ATTEMPTS = 3
"""Rejected beginnings of a word from which on no phrase may be begun there: the early mask."""
MAX_EARLY_MASK_SHARE = 0.1
"""Share of the vocabulary that the early mask of one automaton may forbid; one that forbids more is left out."""
# What a state and a transition take besides their ids.
_STATE_BYTES = 1024
_TRANSITION_BYTES = 128


class Cursor(NamedTuple):
    """How far a text has been read: the automaton's state, the bytes of an unfinished UTF-8 character, and the
    state of the automaton of phrases between word borders."""

    state: int = 0
    pending: bytes = b""
    bordered: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class MaskState:
    """A cached automaton state: the token ids forbidden there, and the states already reached from it, by token.

    forbidden    the ids, int64 in no order, that may not come next: each would complete a phrase
    completing   those of them, of tokens of whole characters, that complete a phrase begun before them
    allowed      the only ids that may come next, phrases or not, where a character is unfinished (see
                 Vocabulary.allowed_after); None if any may
    transitions  the next state by token id, for the tokens followed so far
    """

    cursor: Cursor
    forbidden: NDArray[np.int64]
    completing: NDArray[np.int64]
    allowed: NDArray[np.int64] | None = None
    transitions: dict[int, MaskState] = field(default_factory=dict, repr=False)


class CacheBudget:
    """Bounds the caches of several restrictions, each and all together: those used least recently are dropped."""

    def __init__(self) -> None:
        # By restriction, the one used last at the end; those that are gone do not count.
        self._bytes: WeakKeyDictionary[Restriction, int] = WeakKeyDictionary()

    @property
    def used_bytes(self) -> int:
        """The bytes reserved by all restrictions, by estimate."""
        return sum(self._bytes.values())

    def reserve(self, restriction: Restriction, size: int) -> None:
        """Count `size` bytes more for a restriction, after dropping caches if that would be too many."""
        if self._bytes.get(restriction, 0) + size > MAX_CACHE_BYTES:
            restriction.clear_cache()
        self._bytes[restriction] = self._bytes.pop(restriction, 0) + size
        while self.used_bytes > MAX_TOTAL_CACHE_BYTES and len(self._bytes) > 1:
            next(iter(self._bytes)).clear_cache()

    def touch(self, restriction: Restriction) -> None:
        """Make a restriction the one used last."""
        self._bytes[restriction] = self._bytes.pop(restriction, 0)

    def release(self, restriction: Restriction) -> None:
        """Count nothing for a restriction whose cache is empty."""
        self._bytes.pop(restriction, None)


class Restriction:
    """The phrases of one automaton, enforced over the tokens of one vocabulary, whatever the tokenisation.

    Not thread-safe: it caches states and transitions, MAX_CACHE_BYTES of them at most.
    """

    def __init__(self, automaton: Automaton, vocabulary: Vocabulary, budget: CacheBudget | None = None) -> None:
        """`budget` bounds the cache together with those of other restrictions."""
        self._budget = budget or CacheBudget()
        self.automaton = automaton
        self.vocabulary = vocabulary
        self._plain = TokenMatcher(automaton, vocabulary)
        self._bordered = TokenMatcher(automaton.bordered, vocabulary) if automaton.bordered else None
        self._states: dict[Cursor, MaskState] = {}
        self._printed: Restriction | None = None

    @property
    def printed(self) -> Restriction:
        """This restriction for answers in which special tokens are printed; itself if that makes no difference."""
        if self.vocabulary.printed is self.vocabulary:
            return self
        if self._printed is None:
            self._printed = Restriction(self.automaton, self.vocabulary.printed, self._budget)
        return self._printed

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
        """Return the cursor after these generated tokens; special ones are skipped unless they are printed.

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
        forbidden = np.concatenate([ids for one in found for ids in one.all])
        begun = np.concatenate([one.begun for one in found])
        state = MaskState(cursor, forbidden, begun, self.vocabulary.allowed_after(cursor.pending))
        self._budget.reserve(self, state.forbidden.nbytes + state.completing.nbytes + _STATE_BYTES)
        self._states[cursor] = state
        return state

    def next_state(self, state: MaskState, token: int) -> MaskState:
        """Return the state after one more token; raises ValueError as `advance` does."""
        known = state.transitions.get(token)
        if known is None:
            known = self.state(self.advance(state.cursor, (token,)))
            self._budget.reserve(self, _TRANSITION_BYTES)
            state.transitions[token] = known
        return known

    def forbidden(self, cursor: Cursor) -> NDArray[np.int64]:
        """Return the ids forbidden at this cursor: by a phrase, or as they would leave ill-formed UTF-8.

        In the middle of a character these may be nearly all ids: `state` has the few allowed ones instead.
        """
        return np.concatenate([self.vocabulary.ill_formed(cursor.pending), self.state(cursor).forbidden])

    def completing(self, cursor: Cursor) -> NDArray[np.int64]:
        """Return the ids that complete a phrase at this cursor, see MaskState."""
        return self.state(cursor).completing

    def avoided(self, cursor: Cursor, rejected: Sequence[int]) -> NDArray[np.int64]:
        """Return the ids that may not come at this cursor, where answers that went on with `rejected` backtracked.

        These are tokens that begin the same phrases in another tokenisation; from EARLY_MASK_ATTEMPTS rejected
        tokens on all that begin a phrase, unless these are more than a share of the vocabulary.
        """
        found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        for matcher, state in ((self._plain, cursor.state), (self._bordered, cursor.bordered)):
            if matcher is None:
                continue
            if len(rejected) >= EARLY_MASK_ATTEMPTS:
                beginning = matcher.beginning(state)
                if beginning is not None and len(beginning) <= MAX_EARLY_MASK_SHARE * len(self.vocabulary):
                    found.append(beginning)
                    continue
            decoded = matcher.reading.decoded
            prefixes = {decoded[token].folded for token in rejected if token < len(decoded)}
            alike = (matcher.beginning(state, prefix) for prefix in prefixes if prefix)
            found += [ids for ids in alike if ids is not None]
        return np.concatenate(found)

    def clear_cache(self) -> None:
        """Drop the cache. Rows keep the state they hold."""
        # States refer to each other, and would otherwise outlive the cache.
        for state in self._states.values():
            state.transitions.clear()
        self._states.clear()
        self._budget.release(self)
        if self._printed is not None:
            self._printed.clear_cache()

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


class RestrictionCache:
    """The restrictions of one vocabulary by digest, attached from a folder on first use: an LRU cache."""

    def __init__(self, source: Path | Source, vocabulary: Vocabulary) -> None:
        """`source` is where automata are attached from; a path is that of a folder."""
        self._source = Source(source) if isinstance(source, Path) else source
        self._vocabulary = vocabulary
        self._attached = _LeastRecentlyUsed(MAX_CACHED_RESTRICTIONS)
        self._subsets = _LeastRecentlyUsed(MAX_KEPT)
        self._budget = CacheBudget()

    def get(self, digest: str) -> Restriction:
        """Return the restriction of this digest; the last MAX_CACHED_RESTRICTIONS used stay attached.

        Raises PolicyUnavailable as `attach` does.
        """
        restriction = self._attached.get(digest) or self._subsets.get(digest)
        if restriction is None:
            automaton = self._source.attach(digest, lambda whole: self.get(whole).automaton)
            restriction = Restriction(automaton, self._vocabulary, self._budget)
            (self._subsets if is_subset(automaton) else self._attached)[digest] = restriction
        self._budget.touch(restriction)
        return restriction

    def drop(self, digests: Iterable[str]) -> None:
        """Let go of these restrictions; rows that have one keep it, and it is attached again where it is named."""
        for digest in digests:
            for cache in (self._attached, self._subsets):
                if (restriction := cache.pop(digest, None)) is not None:
                    restriction.clear_cache()


class _LeastRecentlyUsed(LRUCache[str, Restriction]):
    """The restrictions used last; an evicted one drops its cache."""

    def popitem(self) -> tuple[str, Restriction]:
        digest, restriction = super().popitem()
        restriction.clear_cache()
        return digest, restriction
