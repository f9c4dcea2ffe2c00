"""Which tokens complete a phrase: an automaton walked together with a vocabulary's trie."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.decoding.vocabulary import TokenTrie, Vocabulary
from guard.matching.automaton import Automaton

MAX_OPEN_PATHS = 4096
"""Paths of one length that are followed at once through the beginnings of phrases."""


class Completing(NamedTuple):
    """Ids, int64: `all` that complete a phrase, and those of them that complete one `begun` before the token."""

    all: list[NDArray[np.int64]]
    begun: NDArray[np.int64]


class TokenMatcher:
    """The phrases of one automaton over the tokens of one vocabulary, read as the automaton reads text."""

    def __init__(self, automaton: Automaton, vocabulary: Vocabulary) -> None:
        self.automaton = automaton
        self.reading = vocabulary.bordered if automaton.borders else vocabulary.plain
        self._textless = vocabulary.textless
        self._symbols = np.frombuffer(automaton.symbols, np.uint8)
        self._bytes = np.concatenate([[0], np.nonzero(self._symbols)[0]])

    def completing(self, state: int, pending: bytes) -> Completing:
        """Return the tokens that complete a phrase at `state`, after the bytes of an unfinished character."""
        automaton = self.automaton
        begun = self._complete_begun_phrases(state)
        others = [
            self._reach_accepting(state, trie)
            for trie in (self.reading.continuation_trie(pending), self.reading.printed_trie)
        ]
        decided_late = automaton.borders or len(automaton.late)
        if decided_late and automaton.ends_text(state):
            begun = np.concatenate([begun, self._textless])
        everywhere = self._everywhere
        if len(automaton.late) and len(everywhere):
            # A text that exempts a phrase may have begun before the token that contains the phrase.
            everywhere = self._reach_accepting(state, self._everywhere_trie)
        # A border alone begins no phrase.
        is_begun = not automaton.borders or automaton.depths[state] > automaton.lead(state)
        return Completing([everywhere, begun, *others], begun if is_begun else begun[:0])

    @cached_property
    def _everywhere(self) -> NDArray[np.int64]:
        """The tokens that contain a whole phrase: they complete it at every state."""
        return self._reach_accepting(0, self.reading.main_trie)

    @cached_property
    def _everywhere_trie(self) -> TokenTrie:
        return TokenTrie.of((token, self.reading.decoded[token].folded) for token in self._everywhere.tolist())

    def beginning(self, state: int, prefix: bytes = b"") -> NDArray[np.int64] | None:
        """Return the tokens of the main trie after which a phrase is in progress that began with them, or before.

        With `prefix`, folded bytes, only those that begin with it or are a beginning of it. Tokens that complete a
        phrase are left out, and so are borders alone. None where more than MAX_OPEN_PATHS must be followed.
        """
        automaton, token_trie = self.automaton, self.reading.main_trie
        states, nodes = np.array([state]), np.zeros(1, np.int64)
        begun = np.zeros(len(token_trie.trie.parent), bool)
        for length in range(1, len(token_trie.trie.levels)):
            next_states = automaton.follow_all(states).ravel()
            open_after = automaton.depth.take(next_states) >= length
            if length <= len(prefix):
                wanted = np.arange(automaton.width) == self._symbols[prefix[length - 1]]
                open_after &= np.tile(wanted, len(states))
            at = open_after.nonzero()[0]
            path, symbol = at // automaton.width, at % automaton.width
            states = next_states.take(at)
            nodes = token_trie.children(nodes.take(path), self._bytes.take(symbol))
            going_on = (nodes > 0) & ~automaton.accepting[states] & (symbol > 0)
            states, nodes = states[going_on], nodes[going_on]
            begun[nodes[automaton.depth[states] > automaton.arrays.lead[states]]] = True
            if not len(states):
                break
            if len(states) > MAX_OPEN_PATHS:
                return None
        tokens: NDArray[np.int64] = token_trie.tokens[begun[token_trie.ends]]
        return tokens

    def _reach_accepting(self, state: int, token_trie: TokenTrie) -> NDArray[np.int64]:
        """Return the tokens of the trie that pass an accepting state when read from `state`."""
        automaton, trie = self.automaton, token_trie.trie
        states = np.full(len(trie.parent), state, np.intp)
        hit = np.zeros(len(states), bool)
        symbols = self._symbols[trie.byte]
        for first, last in trie.levels[1:]:
            parent = trie.parent[first:last]
            here = automaton.follow(states[parent], symbols[first:last])
            states[first:last] = here
            hit[first:last] = automaton.accepting[here] | hit[parent]
        tokens: NDArray[np.int64] = token_trie.tokens[hit[token_trie.ends]]
        return tokens

    def _complete_begun_phrases(self, state: int) -> NDArray[np.int64]:
        """Return the tokens of the main trie that complete a phrase begun before them.

        Trie and automaton are walked together, all paths of one length at a time. Only paths on which a phrase
        begun before the token is still in progress (the state is deeper than the path is long) are walked on:
        once the longest match in progress began inside the token, the rest of the token reads as from the start,
        which `_everywhere` covers. So few paths remain after a byte or two.
        """
        automaton, token_trie = self.automaton, self.reading.main_trie
        states, nodes = np.array([state]), np.zeros(1, np.int64)
        ranges = []
        for length in range(1, len(token_trie.trie.levels)):
            if len(automaton.late):
                ranges += self._left_by_other_bytes(states, nodes)
            next_states = automaton.follow_all(states).ravel()
            # Several times faster than with two indices.
            at = (automaton.depth.take(next_states) > length).nonzero()[0]
            path, symbol = at // automaton.width, at % automaton.width
            states = next_states.take(at)
            nodes = token_trie.children(nodes.take(path), self._bytes.take(symbol))
            exists = nodes > 0
            states, nodes = states[exists], nodes[exists]
            done = automaton.accepting[states]
            if done.any():
                ranges += token_trie.ranges[nodes[done]].tolist()
                states, nodes = states[~done], nodes[~done]
            if not len(states):
                break
        return np.concatenate([token_trie.tokens[:0], *(token_trie.tokens[first:last] for first, last in ranges)])

    def _left_by_other_bytes(self, states: NDArray[np.int64], nodes: NDArray[np.int64]) -> list[list[int]]:
        """Return the ranges of tokens that go on with a byte in no phrase where that ends a phrase late."""
        token_trie = self.reading.main_trie
        ranges: list[list[int]] = []
        for node in nodes[self.automaton.accepting[self.automaton.follow(states, np.zeros(1, np.intp))]].tolist():
            first, last = np.searchsorted(token_trie.keys, [node * 256, node * 256 + 256])
            children = np.arange(first, last) + 1
            others = children[self._symbols[token_trie.keys[first:last] % 256] == 0]
            ranges += token_trie.ranges[others].tolist()
        return ranges
