"""Exemptions: where a phrase is said inside a longer text in which it is allowed, compiled into an automaton.

A phrase that ends inside such a text does not count yet: it counts as soon as the text goes on otherwise. Both are
known from the state alone, as long as the longer text is the longest match in progress, or a suffix of it. Where
two longer texts overlap, a phrase that only the one before allows may count all the same, never the reverse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.text.borders import BORDER
from guard.trie.failure_links import FailureLinks
from guard.trie.trie import Trie


class _Said(NamedTuple):
    """A phrase that was said: its number, how many symbols ago it began, its letters, and if with a border."""

    phrase: int
    distance: int
    letters: int
    lead: bool


class LateEnd(NamedTuple):
    """A phrase counts only now: the cells [state, symbol] that say so, and the state that the text leads to."""

    phrase: int
    distance: int
    letters: int
    lead: bool
    reached: int
    cells: list[tuple[int, int]]


class Exempted(NamedTuple):
    """outputs  by state: the states whose phrases still end there, longest first; others are as they were
    late     the ends of phrases that turn out not to be exempt
    """

    outputs: dict[int, list[int]]
    late: list[LateEnd]


def find_exempted(
    trie: Trie,
    links: FailureLinks,
    phrase: NDArray[np.int32],
    link: NDArray[np.int32],
    exempt: Mapping[int, frozenset[int]],
    letters: Mapping[int, int],
) -> Exempted:
    """Return what changes if the texts that end at the states `exempt` allow these phrases."""
    finder = _Finder(trie, links, phrase, link, exempt, letters)
    outputs: dict[int, list[int]] = {}
    ends: dict[tuple[int, _Said], LateEnd] = {}
    for state in finder.states():
        allowed = finder.pending(state) | finder.settled(state)
        ending = list(finder.ending(state))
        outputs[state] = [output for output, said in ending if said not in allowed]
        pending = finder.pending(state) - finder.settled(state)
        for symbol, reached in enumerate(links.leads_to(state).tolist()) if pending else ():
            # A further border changes nothing.
            if reached == state and symbol == links.border:
                continue
            further = {said._replace(distance=said.distance + 1) for said in pending}
            lost = further - finder.pending(reached) - finder.settled(reached)
            if lost:
                said = max(lost, key=lambda one: (one.distance, one.phrase))
                ends.setdefault((reached, said), LateEnd(*said, reached, [])).cells.append((state, symbol))
    return Exempted(outputs, list(ends.values()))


class _Finder:
    def __init__(
        self,
        trie: Trie,
        links: FailureLinks,
        phrase: NDArray[np.int32],
        link: NDArray[np.int32],
        exempt: Mapping[int, frozenset[int]],
        letters: Mapping[int, int],
    ) -> None:
        fail = links.fail
        self._trie, self._fail, self._phrase, self._link, self._letters = trie, fail, phrase, link, letters
        self._lead = trie.first_is(ord(BORDER))
        self._depth = np.zeros(len(fail), np.int64)
        for level, (first, last) in enumerate(trie.levels):
            self._depth[first:last] = level
        # By state: the phrases said in the beginning of an exempting text, and in all of one.
        self._begun: dict[int, set[_Said]] = {}
        self._whole: dict[int, set[_Said]] = {}
        for end, numbers in exempt.items():
            self._add(end, numbers)
        self._marked = np.zeros(len(fail), bool)
        self._marked[[*self._begun, *self._whole]] = True
        for first, last in trie.levels[1:]:
            self._marked[first:last] |= self._marked[fail[first:last]]
        self._settled: dict[int, frozenset[_Said]] = {0: frozenset()}

    def states(self) -> list[int]:
        """Return the states at which the end of a phrase may be exempt."""
        found: list[int] = np.nonzero(self._marked)[0].tolist()
        return found

    def ending(self, state: int) -> Iterator[tuple[int, _Said]]:
        """Yield the states whose phrases end in `state`, longest first."""
        if self._phrase[state] < 0:
            state = int(self._link[state])
        while state:
            number = int(self._phrase[state])
            yield state, _Said(number, int(self._depth[state]), self._letters[number], bool(self._lead[state]))
            state = int(self._link[state])

    def pending(self, state: int) -> frozenset[_Said]:
        """Return the phrases said in exempting texts that are not complete yet."""
        return self._joined(self._begun, state)

    def settled(self, state: int) -> frozenset[_Said]:
        """Return the phrases said in exempting texts that are complete, as far as the state knows."""
        path = []
        while state not in self._settled:
            path.append(state)
            state = int(self._trie.parent[state])
        for node in reversed(path):
            further = {said._replace(distance=said.distance + 1) for said in self._settled[state]}
            self._settled[node] = self._joined(self._whole, node) | further
            state = node
        return self._settled[state]

    def _joined(self, said: Mapping[int, set[_Said]], state: int) -> frozenset[_Said]:
        joined: set[_Said] = set()
        while self._marked[state]:
            joined |= said.get(state, set())
            state = int(self._fail[state])
        return frozenset(joined)

    def _add(self, end: int, numbers: frozenset[int]) -> None:
        path = [end]
        while path[-1]:
            path.append(int(self._trie.parent[path[-1]]))
        said: set[_Said] = set()
        for state in path[-2::-1]:
            said = {one._replace(distance=one.distance + 1) for one in said}
            said |= {one for _, one in self.ending(state) if one.phrase in numbers}
            if said:
                known = self._whole if state == end else self._begun
                known.setdefault(state, set()).update(said)
