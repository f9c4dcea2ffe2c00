"""Constrained decoding: the token mask of a row, that is which tokens would complete a forbidden phrase next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from guard.decoding.vocabulary import TokenTrie, Vocabulary
from guard.matching.automaton import Automaton

MAX_CACHED_RESTRICTIONS = 64
# Bound of one restriction's cache in words of 8 bytes, 40 MB, and what a state and a transition count besides ids.
_MAX_CACHE_WORDS = 5_000_000
_STATE_WORDS = 128
_TRANSITION_WORDS = 16


class Cursor(NamedTuple):
    """How far a text has been read: the automaton's state, and the bytes of an unfinished UTF-8 character."""

    state: int = 0
    pending: bytes = b""


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


class Restriction:
    """The phrases of one automaton, enforced over the tokens of one vocabulary, whatever the tokenisation.

    Not thread-safe: it caches states and transitions, 40 MB of them at most.
    """

    def __init__(self, automaton: Automaton, vocabulary: Vocabulary) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self._symbols = np.frombuffer(automaton.symbols, np.uint8)
        self._bytes = np.concatenate([[0], np.nonzero(self._symbols)[0]])
        self._states: dict[Cursor, MaskState] = {}
        self._cached_words = 0

    def seed(self, prompt: Sequence[int]) -> Cursor:
        """Return the cursor after a prompt. A special token separates its turns: only the last turn counts.

        Raises ValueError as `advance` does.
        """
        vocabulary, shown = self.vocabulary, 0
        first = len(prompt)
        while first and shown < self.automaton.max_depth and prompt[first - 1] not in vocabulary.special:
            first -= 1
            shown += len(vocabulary.advance(b"", prompt[first : first + 1]).folded)
        return self.advance(Cursor(), prompt[first:])

    def resume(self, prompt: Sequence[int], output: Sequence[int]) -> Cursor:
        """Return the cursor after a prompt and the tokens generated since, reading only as much as it depends on.

        Raises ValueError as `advance` does.
        """
        vocabulary, shown = self.vocabulary, 0
        first = len(output)
        # One token more than needed, as the first may begin inside a character.
        while first and shown <= self.automaton.max_depth:
            first -= 1
            shown += len(vocabulary.advance(b"", output[first : first + 1]).folded)
        return self.advance(self.seed(prompt) if first == 0 else Cursor(), output[first:])

    def advance(self, cursor: Cursor, tokens: Iterable[int]) -> Cursor:
        """Return the cursor after these generated tokens; special ones are skipped, as decoding skips them.

        Raises ValueError for an id that is not in the vocabulary.
        """
        read = self.vocabulary.advance(cursor.pending, tokens)
        return Cursor(self.automaton.run(cursor.state, read.folded), read.pending)

    def state(self, cursor: Cursor) -> MaskState:
        """Return the state at this cursor, with its token mask."""
        known = self._states.get(cursor)
        if known is not None:
            return known
        vocabulary, (automaton_state, pending) = self.vocabulary, cursor
        completing = self._complete_begun_phrases(automaton_state)
        forbidden = [
            self._forbidden_everywhere,
            completing,
            self._reach_accepting(automaton_state, vocabulary.continuation_trie(pending)),
            vocabulary.ill_formed(pending),
        ]
        state = MaskState(cursor, np.concatenate(forbidden), completing)
        self._reserve(len(state.forbidden) + len(completing) + _STATE_WORDS)
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
        self._cached_words = 0

    def _reserve(self, words: int) -> None:
        if self._cached_words + words > _MAX_CACHE_WORDS:
            self.clear_cache()
        self._cached_words += words

    @cached_property
    def _forbidden_everywhere(self) -> NDArray[np.int64]:
        """The tokens that contain a whole phrase: they are forbidden at every cursor."""
        return self._reach_accepting(0, self.vocabulary.main_trie)

    def _reach_accepting(self, state: int, token_trie: TokenTrie) -> NDArray[np.int64]:
        """Return the tokens of the trie that pass an accepting state when read from `state`."""
        automaton, trie = self.automaton, token_trie.trie
        states = np.full(len(trie.parent), state, np.intp)
        hit = np.zeros(len(states), bool)
        symbols = self._symbols[trie.byte]
        for first, last in trie.levels[1:]:
            parent = trie.parent[first:last]
            here = automaton.table[states[parent], symbols[first:last]]
            states[first:last] = here
            hit[first:last] = automaton.accepting[here] | hit[parent]
        tokens: NDArray[np.int64] = token_trie.tokens[hit[token_trie.ends]]
        return tokens

    def _complete_begun_phrases(self, state: int) -> NDArray[np.int64]:
        """Return the tokens of the main trie that complete a phrase begun before them.

        Trie and automaton are walked together, all paths of one length at a time. Only paths on which a phrase
        begun before the token is still in progress (the state is deeper than the path is long) are walked on:
        once the longest match in progress began inside the token, the rest of the token reads as from the start,
        which `_forbidden_everywhere` covers. So few paths remain after a byte or two.
        """
        automaton, token_trie = self.automaton, self.vocabulary.main_trie
        states, nodes = np.array([state]), np.zeros(1, np.int64)
        ranges = []
        for length in range(1, len(token_trie.trie.levels)):
            next_states = automaton.table[states]
            path, symbol = np.nonzero(automaton.depth[next_states] > length)
            states, nodes = next_states[path, symbol], token_trie.children(nodes[path], self._bytes[symbol])
            exists = nodes > 0
            states, nodes = states[exists], nodes[exists]
            done = automaton.accepting[states]
            ranges += token_trie.ranges[nodes[done]].tolist()
            states, nodes = states[~done], nodes[~done]
            if not len(states):
                break
        return np.concatenate([token_trie.tokens[:0], *(token_trie.tokens[first:last] for first, last in ranges)])


class RestrictionCache:
    """The restrictions of one vocabulary by digest, attached from a folder on first use: an LRU cache."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._vocabulary = vocabulary
        self._attached = _LeastRecentlyUsed(MAX_CACHED_RESTRICTIONS)

    def get(self, digest: str) -> Restriction:
        """Return the restriction of this digest; the last MAX_CACHED_RESTRICTIONS used stay attached.

        Raises PolicyUnavailable as `Automaton.attach` does.
        """
        restriction = self._attached.get(digest)
        if restriction is None:
            restriction = Restriction(Automaton.attach(self._folder, digest), self._vocabulary)
            self._attached[digest] = restriction
        return restriction


class _LeastRecentlyUsed(LRUCache[str, Restriction]):
    """The restrictions used last; an evicted one drops its cache."""

    def popitem(self) -> tuple[str, Restriction]:
        digest, restriction = super().popitem()
        restriction.clear_cache()
        return digest, restriction
