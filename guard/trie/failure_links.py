"""The fail links of a trie, compiled into a table that has rows only for the nodes that need one.

A row is what a node leads to by each symbol: its children, and otherwise what its fail link leads to. Most nodes
have one child, or none. Such a node has no row of its own if that of another node differs in the child alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guard.trie.trie import Trie

STAY = -1
"""In a row: the node stays the same."""
# Ordinary text is mostly read at nodes near the start: with rows of their own, those are the fastest.
_MAX_ROW_DEPTH = 2
_MIN_ROWS = 64
_NONE = np.zeros(0, np.int64)


class FailureLinks:
    """Where to go on from the nodes of a trie.

    symbol  uint8 [nodes]          the last symbol of the node's path
    fail    int32 [nodes]          the fail link: the longest proper suffix of its path that is a node
    has_row bool  [nodes]          whether it has a row of its own
    child   int32 [nodes]          of a node without one: its child, which its symbol leads to, or 0
    row     int32 [nodes]          the row that all other symbols are looked up in
    rows    int32 [rows, symbols]  nodes, or STAY
    border  the symbol of which a second one in succession changes nothing, 0 for none
    """

    def __init__(
        self,
        trie: Trie,
        symbols: NDArray[np.uint8],
        border: int = 0,
        with_row: NDArray[np.int64] = _NONE,
        twins: NDArray[np.int64] = _NONE,
    ) -> None:
        """`symbols` has the symbol of each byte, 1 and more for those of the trie.

        Nodes `with_row` have one in any case; `twins` go on as their parents do.
        """
        count = len(trie.parent)
        self.symbol = symbols[trie.byte]
        self.fail = np.zeros(count, np.int32)
        self.has_row = np.zeros(count, bool)
        self.has_row[with_row] = True
        self.child = np.zeros(count, np.int32)
        self.row = np.zeros(count, np.int32)
        self.rows = np.zeros((max(_MIN_ROWS, count // 8), int(symbols.max()) + 1), np.int32)
        self.border = border
        # Nodes are in the order of their parents, so children are adjacent.
        self._children = np.bincount(trie.parent[1:], minlength=count).astype(np.int32)
        self._first_child = np.cumsum(self._children, dtype=np.int32) - self._children + 1
        used = 0
        for level, (first, last) in enumerate(trie.levels):
            if level > 1:
                parent = trie.parent[first:last]
                self.fail[first:last] = self.follow(self.fail[parent], self.symbol[first:last])
                ours = twins[(twins >= first) & (twins < last)] if len(twins) else twins
                self.fail[ours] = trie.parent[ours]
            used = self._link(first, last, level <= _MAX_ROW_DEPTH, used)
            if level == 1 and border:
                # The fail links of all nodes after a border lead here in the end, and inherit this cell.
                self.rows[self.row[first:last][self.symbol[first:last] == border], border] = STAY
        self.rows = self.rows[:used]

    @property
    def may_stay(self) -> NDArray[np.bool_]:
        """Whether the row of each node may have STAY: that of nodes after a border, bool [nodes]."""
        return self.symbol == self.border if self.border else np.zeros(len(self.symbol), bool)

    def leads_to(self, node: int) -> NDArray[np.int32]:
        """Return the node that `node` leads to by each symbol: int32 [symbols]."""
        symbols = np.arange(self.rows.shape[1], dtype=np.uint8)
        return self.follow(np.full(len(symbols), node, np.int32), symbols)

    def follow(self, nodes: NDArray[np.int32], symbols: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return the node that each of `nodes` leads to by the symbol of the same index."""
        child, found = self.child[nodes], self.rows[self.row[nodes], symbols]
        found = np.where((child > 0) & (self.symbol[child] == symbols), child, found)
        return np.where(found == STAY, nodes, found) if self.border else found

    def _link(self, first: int, last: int, with_rows: bool, used: int) -> int:
        """Link the nodes of a level to their rows, after those `used`; return how many are used then."""
        fail, children = self.fail[first:last], self._children[first:last]
        child = np.where(children == 1, self._first_child[first:last], 0)
        inherited = self.child[fail]
        # The symbol of the fail link's child is in no row, and must not be missed.
        differs = (inherited > 0) & ((child == 0) | (self.symbol[child] != self.symbol[inherited]))
        self.has_row[first:last] |= with_rows | (children > 1) | differs
        own = self.has_row[first:last]
        self.child[first:last] = np.where(own, 0, child)
        self.row[first:last] = self.row[fail]
        if not own.any():
            return used
        nodes = first + np.nonzero(own)[0]
        numbers = used + np.arange(len(nodes), dtype=np.int32)
        used += len(nodes)
        if (more := used - len(self.rows)) > 0:
            self.rows = np.concatenate(
                [self.rows, np.zeros_like(self.rows, shape=(max(more, len(self.rows)), self.rows.shape[1]))]
            )
        self.rows[numbers] = self.rows[self.row[nodes]]
        self.row[nodes] = numbers
        at = np.nonzero(inherited[own])[0]
        self.rows[numbers[at], self.symbol[inherited[own][at]]] = inherited[own][at]
        counts = self._children[nodes]
        edges = np.repeat(self._first_child[nodes] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        self.rows[np.repeat(numbers, counts), self.symbol[edges]] = edges
        return used
