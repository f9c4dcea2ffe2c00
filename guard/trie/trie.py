"""A trie of byte strings in arrays, built level by level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Trie(NamedTuple):
    """The prefixes of some strings as nodes; node 0 is the empty prefix.

    Nodes are numbered by prefix length, then by prefix: a level is one slice, and the pairs (parent, byte) are
    in ascending order.

        levels  [first, last) nodes of each length, from length 0
        parent  int32 [nodes]
        byte    uint8 [nodes]    the last byte of the prefix
        ends    int32 [strings]  the node of each string
    """

    levels: list[tuple[int, int]]
    parent: NDArray[np.int32]
    byte: NDArray[np.uint8]
    ends: NDArray[np.int32]

    @classmethod
    def of(cls, strings: Sequence[bytes]) -> Trie:
        """Return the trie of `strings`, which must be sorted."""
        text = np.frombuffer(b"".join(strings), np.uint8)
        lengths = np.array([len(string) for string in strings], np.int64)
        offsets = np.cumsum(lengths) - lengths
        node = np.zeros(len(strings), np.int32)
        levels = [(0, 1)]
        parents = [np.zeros(1, np.int32)]
        bytes_ = [np.zeros(1, np.uint8)]
        alive = np.nonzero(lengths)[0]
        while len(alive):
            # Strings that share a prefix are adjacent: a node begins where the parent or byte changes.
            parent, byte = node[alive], text[offsets[alive] + len(levels) - 1]
            new = np.ones(len(alive), bool)
            new[1:] = (parent[1:] != parent[:-1]) | (byte[1:] != byte[:-1])
            first = levels[-1][1]
            node[alive] = first - 1 + np.cumsum(new)
            levels.append((first, first + int(new.sum())))
            parents.append(parent[new])
            bytes_.append(byte[new])
            alive = alive[lengths[alive] >= len(levels)]
        return cls(levels, np.concatenate(parents), np.concatenate(bytes_), node)

    def first_is(self, byte: int) -> NDArray[np.bool_]:
        """Return whether the prefix of each node begins with `byte`: bool [nodes]."""
        begins = np.zeros(len(self.parent), bool)
        for level, (first, last) in enumerate(self.levels):
            begins[first:last] = self.byte[first:last] == byte if level == 1 else begins[self.parent[first:last]]
        return begins

    def path(self, node: int) -> bytes:
        """Return the prefix that is this node."""
        reversed_path = bytearray()
        while node:
            reversed_path.append(int(self.byte[node]))
            node = int(self.parent[node])
        return bytes(reversed(reversed_path))
