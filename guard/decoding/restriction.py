"""Which tokens would complete a forbidden phrase, given what a row has shown so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from guard.decoding.vocabulary import Block, Vocabulary
from guard.matching.automaton import Automaton

# How much a restriction remembers, in numbers of 8 bytes; and what a place and a link weigh besides its ids.
_REMEMBERED = 5_000_000
_PLACE = 128
_LINK = 16
_ATTACHED = 64


class Cursor(NamedTuple):
    """How far a text has gone: the automaton's state, and the bytes of an unfinished UTF-8 character."""

    state: int = 0
    pending: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A cursor of a restriction, what is banned there, and where the tokens lead that were followed from it.

    banned      the ids, int64 in no order, that may not come next: each would complete a phrase. With
                SentencePiece also those that would leave ill-formed UTF-8 (see Vocabulary.ill_formed)
    completing  the ids among them, of tokens of whole characters, that complete a phrase begun before them
    """

    cursor: Cursor
    banned: NDArray[np.int64]
    completing: NDArray[np.int64]
    following: dict[int, Place] = field(default_factory=dict, repr=False)


class Restriction:
    """The phrases of one automaton, enforced over the tokens of one vocabulary, whatever the tokenisation.

    For one thread: it remembers the places it has met and where tokens lead from them, in some 40 MB at most.
    """

    def __init__(self, automaton: Automaton, vocabulary: Vocabulary) -> None:
        self.automaton = automaton
        self.vocabulary = vocabulary
        self._symbols = np.frombuffer(automaton.symbols, np.uint8)
        self._bytes = np.concatenate([[0], np.nonzero(self._symbols)[0]])
        self._places: dict[Cursor, Place] = {}
        self._weight = 0

    def seed(self, prompt: Sequence[int]) -> Cursor:
        """Return the cursor after a prompt. A special token divides its turns: only the last turn counts.

        Raises ValueError as `advance` does.
        """
        vocabulary, shown = self.vocabulary, 0
        first = len(prompt)
        while first and shown < self.automaton.reach and prompt[first - 1] not in vocabulary.special:
            first -= 1
            shown += len(vocabulary.advance(b"", prompt[first : first + 1]).folded)
        return self.advance(Cursor(), prompt[first:])

    def resume(self, prompt: Sequence[int], output: Sequence[int]) -> Cursor:
        """Return the cursor after a prompt and what was generated since, of which only the end is read.

        Raises ValueError as `advance` does.
        """
        vocabulary, shown = self.vocabulary, 0
        first = len(output)
        # A token more than is needed, as the first may begin inside a character.
        while first and shown <= self.automaton.reach:
            first -= 1
            shown += len(vocabulary.advance(b"", output[first : first + 1]).folded)
        return self.advance(self.seed(prompt) if first == 0 else Cursor(), output[first:])

    def advance(self, cursor: Cursor, tokens: Iterable[int]) -> Cursor:
        """Return the cursor after these generated tokens; special ones are passed over, as decoding does.

        Raises ValueError for an id that is not in the vocabulary.
        """
        reading = self.vocabulary.advance(cursor.pending, tokens)
        return Cursor(self.automaton.run(cursor.state, reading.folded), reading.pending)

    def place(self, cursor: Cursor) -> Place:
        """Return the place of this cursor."""
        known = self._places.get(cursor)
        if known is not None:
            return known
        vocabulary, (state, pending) = self.vocabulary, cursor
        completing = self._continuing(state)
        banned = [
            self._anywhere,
            completing,
            self._completing(state, vocabulary.inner(pending)),
            vocabulary.ill_formed(pending),
        ]
        place = Place(cursor, np.concatenate(banned), completing)
        self._remember(len(place.banned) + len(completing) + _PLACE)
        self._places[cursor] = place
        return place

    def after(self, place: Place, token: int) -> Place:
        """Return the place after one more token; raises ValueError as `advance` does."""
        known = place.following.get(token)
        if known is None:
            known = self.place(self.advance(place.cursor, (token,)))
            self._remember(_LINK)
            place.following[token] = known
        return known

    def banned(self, cursor: Cursor) -> NDArray[np.int64]:
        """Return what is banned at this cursor, see Place."""
        return self.place(cursor).banned

    def completing(self, cursor: Cursor) -> NDArray[np.int64]:
        """Return what completes a phrase at this cursor, see Place."""
        return self.place(cursor).completing

    def forget(self) -> None:
        """Let go of all places; a row goes on from the one that it stands on."""
        # They lead to each other, and would outlive what knows them.
        for place in self._places.values():
            place.following.clear()
        self._places.clear()
        self._weight = 0

    def _remember(self, weight: int) -> None:
        if self._weight + weight > _REMEMBERED:
            self.forget()
        self._weight += weight

    @cached_property
    def _anywhere(self) -> NDArray[np.int64]:
        """The tokens in which a whole phrase stands: they are banned at every cursor."""
        return self._completing(0, self.vocabulary.whole)

    def _completing(self, state: int, block: Block) -> NDArray[np.int64]:
        """Return the tokens of the block that pass an accepting state when read from `state`."""
        automaton, trie = self.automaton, block.trie
        states = np.full(len(trie.parent), state, np.intp)
        hit = np.zeros(len(states), bool)
        symbols = self._symbols[trie.byte]
        for first, last in trie.levels[1:]:
            parent = trie.parent[first:last]
            here = automaton.table[states[parent], symbols[first:last]]
            states[first:last] = here
            hit[first:last] = automaton.accepting[here] | hit[parent]
        tokens: NDArray[np.int64] = block.tokens[hit[block.ends]]
        return tokens

    def _continuing(self, state: int) -> NDArray[np.int64]:
        """Return the tokens of the whole block that complete a phrase begun before them.

        Only paths on which such a phrase is still under way are followed: once the longest match in progress
        began inside the token, the rest of it reads as from the start, which `_anywhere` covers.
        """
        automaton, block = self.automaton, self.vocabulary.whole
        states, nodes = np.array([state]), np.zeros(1, np.int64)
        ranges = []
        for length in range(1, len(block.trie.levels)):
            following = automaton.table[states]
            path, symbol = np.nonzero(automaton.depth[following] > length)
            states, nodes = following[path, symbol], block.children(nodes[path], self._bytes[symbol])
            exists = nodes > 0
            states, nodes = states[exists], nodes[exists]
            done = automaton.accepting[states]
            ranges += block.ranges[nodes[done]].tolist()
            states, nodes = states[~done], nodes[~done]
            if not len(states):
                break
        return np.concatenate([block.tokens[:0], *(block.tokens[first:last] for first, last in ranges)])


class Restrictions:
    """The restrictions of one vocabulary by digest, attached from a folder when first asked for."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._vocabulary = vocabulary
        self._attached = _Attached(_ATTACHED)

    def get(self, digest: str) -> Restriction:
        """Return the restriction of this digest; the last 64 asked for stay attached.

        Raises PolicyUnavailable as `Automaton.attach` does.
        """
        restriction = self._attached.get(digest)
        if restriction is None:
            restriction = Restriction(Automaton.attach(self._folder, digest), self._vocabulary)
            self._attached[digest] = restriction
        return restriction


class _Attached(LRUCache[str, Restriction]):
    """The restrictions asked for last; one that is evicted drops the states that it remembers."""

    def popitem(self) -> tuple[str, Restriction]:
        digest, restriction = super().popitem()
        restriction.forget()
        return digest, restriction
