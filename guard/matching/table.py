"""The table of an Aho-Corasick automaton, with fail links, word borders and exemptions compiled into it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.matching.exemptions import Exempted, find_exempted
from guard.matching.patterns import Patterns
from guard.matching.trie import Trie
from guard.text.borders import BORDER

_BORDER_BYTE = ord(BORDER)


class Table(NamedTuple):
    """The arrays of an automaton; see guard.matching.automaton."""

    symbols: bytes
    table: NDArray[np.int32]
    depth: NDArray[np.int16]
    accepting: NDArray[np.bool_]
    phrase: NDArray[np.int32]
    link: NDArray[np.int32]
    late: NDArray[np.int32]


def compile_table(patterns: Patterns) -> Table:
    """Return the table of these patterns; equal patterns give equal tables."""
    encoded = sorted({*patterns.phrases, *patterns.exempt})
    trie = Trie.of(encoded)
    alphabet = np.unique(trie.byte[1:])
    symbols = np.zeros(256, np.uint8)
    symbols[alphabet] = np.arange(1, len(alphabet) + 1)
    table, fail = _transitions(trie, symbols)
    border = int(symbols[_BORDER_BYTE])
    if border:
        # More borders count as one.
        after_border = np.nonzero(trie.byte == _BORDER_BYTE)[0]
        table[after_border, border] = after_border

    phrase = np.full(len(table), -1, np.int32)
    phrase[trie.ends] = [patterns.phrases.get(pattern, -1) for pattern in encoded]
    depth = np.zeros(len(table), np.int16)
    link = np.zeros(len(table), np.int32)
    for level, (first, last) in enumerate(trie.levels):
        depth[first:last] = level
        shorter = fail[first:last]
        link[first:last] = np.where(phrase[shorter] >= 0, shorter, link[shorter])
    exempted = Exempted({}, [])
    if patterns.exempt:
        nodes = dict(zip(encoded, trie.ends.tolist(), strict=True))
        letters = {number: len(spelt.replace(BORDER.encode(), b"")) for spelt, number in patterns.phrases.items()}
        exempt = {nodes[text]: numbers for text, numbers in patterns.exempt.items()}
        exempted = find_exempted(trie, fail, table, phrase, link, exempt, letters, border)
        for node, outputs in exempted.outputs.items():
            phrase[node] = phrase[node] if node in outputs else -1
            link[node] = next((output for output in outputs if output != node), 0)
        # Where a text that exempts is complete, and nothing continues it, only its end may begin a phrase.
        ends = np.array(sorted(exempt))
        for node in ends[~np.isin(ends, trie.parent) & (phrase[ends] < 0)]:
            depth[node] = depth[fail[node]]
    arrays = Table(
        symbols.tobytes(), table, depth, (phrase >= 0) | (link > 0), phrase, link, np.zeros(0, np.int32)
    )
    return _with_states(arrays, border, exempted) if border or exempted.late else arrays


def _transitions(trie: Trie, symbols: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the table, and each state's fail link: the longest proper suffix of its path that is a state."""
    table = np.zeros((len(trie.parent), int(symbols.max()) + 1), np.int32)
    fail = np.zeros(len(table), np.int32)
    for first, last in trie.levels[1:]:
        parent, symbol = trie.parent[first:last], symbols[trie.byte[first:last]]
        # Read before this level's own edges are written: otherwise a child of the start would fail to itself.
        fail[first:last] = table[fail[parent], symbol]
        table[parent, symbol] = np.arange(first, last)
        table[first:last] = table[fail[first:last]]
    return table, fail


def _with_states(arrays: Table, border: int, exempted: Exempted) -> Table:
    """Return the arrays with two kinds of states more.

    Twins, in a table with borders: a further border after a phrase leads to a state that differs from the
    accepting one only in not accepting, so that a phrase counts once. Late ends: a state entered where a phrase
    turns out not to be inside a text that exempts it; it goes on as the state that the text leads to.
    """
    table, depth, phrase, link = arrays.table.copy(), arrays.depth, arrays.phrase, arrays.link
    ends = np.nonzero(arrays.accepting)[0] if border else np.zeros(0, np.int64)
    first_late = len(table) + len(ends)
    for number, late in enumerate(exempted.late):
        for state, symbol in late.cells:
            table[state, symbol] = first_late + number
    twins = table[ends]
    own = len(table) + np.arange(len(ends), dtype=np.int32)
    twins[np.arange(len(ends)), border] = own
    table[ends, border] = own
    reached = np.array([late.reached for late in exempted.late], np.int64)
    # Reports of phrases go on with those of the state reached.
    chained = np.where(phrase[reached] >= 0, reached, link[reached]).astype(np.int32)
    none = np.full(len(ends), -1, np.int32)
    distance = np.array([late.distance for late in exempted.late], np.int16)
    late_phrase = np.array([late.phrase for late in exempted.late], np.int32)
    accepting = [arrays.accepting, np.zeros(len(ends), bool), np.ones(len(reached), bool)]
    return Table(
        arrays.symbols,
        np.concatenate([table, twins, table[reached]]),
        np.concatenate([depth, depth[ends], distance]),
        np.concatenate(accepting),
        np.concatenate([phrase, none, late_phrase]),
        np.concatenate([link, np.zeros(len(ends), np.int32), chained]),
        np.array([late.letters for late in exempted.late], np.int32),
    )
