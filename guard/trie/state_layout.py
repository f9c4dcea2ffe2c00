"""The layout of an automaton's states in memory: nodes that follow one another are adjacent, without pointers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.trie.failure_links import STAY, FailureLinks
from guard.trie.trie import Trie

NO_SYMBOL = 255
"""The symbol of a state without an edge: UTF-8 has fewer bytes than that."""


class Layout(NamedTuple):
    """The states of an automaton, see guard.matching.automaton, and the state of each node: int64 [nodes]."""

    state: NDArray[np.int64]
    symbol: NDArray[np.uint8]
    row: NDArray[np.int32]
    cells: NDArray[np.int32]
    top: int


def lay_out(
    trie: Trie, links: FailureLinks, further: Mapping[int, NDArray[np.int32]], aliases: NDArray[np.int64]
) -> Layout:
    """Return the layout of a trie's nodes, and after them of states that go on as the nodes `aliases` do.

    `further` are rows that some nodes have for themselves: who fails to them does not see them. Nodes and rows may
    also be of the states after the nodes, by the numbers that follow.
    """
    count = len(trie.parent)
    follows = links.child[trie.parent] > 0
    follows[0] = False
    head, place = _runs(trie, follows)
    is_top = links.has_row & ~follows & ~links.may_stay
    is_top[[node for node in further if node < count]] = False
    order = np.concatenate([np.nonzero(is_top)[0], np.nonzero(~is_top & ~follows)[0]])
    lengths = np.bincount(head, minlength=count)[order]
    start = np.zeros(count, np.int64)
    start[order] = np.cumsum(lengths) - lengths
    state = np.concatenate([start[head] + place, count + np.arange(len(aliases))])

    rows = np.concatenate([links.rows, *(row[None] for row in further.values())])
    row = np.concatenate([links.row, links.row[aliases]])
    row[list(further)] = np.arange(len(links.rows), len(rows))
    # The rows of the top states are the first, in the same order.
    row_order = np.concatenate([links.row[is_top], np.delete(np.arange(len(rows)), links.row[is_top])])
    position = np.empty(len(rows), np.int32)
    position[row_order] = np.arange(len(rows), dtype=np.int32)
    by_state = np.empty(len(state), np.int32)
    by_state[state] = position[row]
    symbol = np.full(len(state), NO_SYMBOL, np.uint8)
    child = links.child[links.child > 0]
    symbol[state[child] - 1] = links.symbol[child]
    cells = np.append(state, STAY).astype(np.int32)[rows[row_order]]
    return Layout(state, symbol, by_state, cells, int(is_top.sum()))


def _runs(trie: Trie, follows: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each node the first one of its run, and its place in it."""
    head = np.arange(len(follows))
    place = np.zeros(len(follows), np.int64)
    for first, last in trie.levels[1:]:
        at = first + np.nonzero(follows[first:last])[0]
        head[at], place[at] = head[trie.parent[at]], place[trie.parent[at]] + 1
    return head, place
