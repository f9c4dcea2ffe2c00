"""The arrays of an Aho-Corasick automaton, with word borders and exemptions compiled into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.matching.exemptions import Exempted, LateEnd, find_exempted
from guard.matching.patterns import Patterns
from guard.text.borders import BORDER
from guard.trie.failure_links import FailureLinks
from guard.trie.state_layout import lay_out
from guard.trie.trie import Trie

_BORDER_BYTE = ord(BORDER)
_NONE = np.zeros(0, np.int64)


class Table(NamedTuple):
    """The arrays of an automaton; see guard.matching.automaton."""

    symbols: bytes
    top: int
    cells: NDArray[np.int32]
    symbol: NDArray[np.uint8]
    row: NDArray[np.int32]
    depth: NDArray[np.int16]
    lead: NDArray[np.bool_]
    accepting: NDArray[np.bool_]
    ends: NDArray[np.int32]
    phrase: NDArray[np.int32]
    link: NDArray[np.int32]
    late: NDArray[np.int32]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays, in the order in which a file has them."""
        return self[2:]


class _Ends(NamedTuple):
    """What ends at the nodes of a trie; by node:

    depth   int16  bytes of the path; at the end of a text that exempts, of its longest suffix that goes on
    phrase  int32  the phrase spelt by the path, or -1
    link    int32  dictionary suffix link: the longest proper suffix that spells a phrase, or 0
    """

    depth: NDArray[np.int16]
    phrase: NDArray[np.int32]
    link: NDArray[np.int32]

    @property
    def accepting(self) -> NDArray[np.bool_]:
        """Whether a phrase ends at each node."""
        return (self.phrase >= 0) | (self.link > 0)


def compile_table(patterns: Patterns) -> Table:
    """Return the table of these patterns; equal patterns give equal tables."""
    strings = sorted({*patterns.phrases, *patterns.exempt})
    trie = Trie.of(strings)
    alphabet = np.unique(trie.byte[1:])
    symbols = np.zeros(256, np.uint8)
    symbols[alphabet] = np.arange(1, len(alphabet) + 1)
    border = int(symbols[_BORDER_BYTE])
    links = FailureLinks(trie, symbols, border)
    ends = _find_ends(trie, links.fail, [patterns.phrases.get(string, -1) for string in strings])
    exempted = Exempted({}, [])
    twinned = np.nonzero(ends.accepting & links.may_stay)[0]
    if patterns.exempt:
        exempted = _exempt(patterns, strings, trie, links, ends)
    if not border and not exempted.late:
        return _table(symbols, trie, links, ends, {}, _NONE, [])
    return _with_states(symbols, trie, strings, links, ends, twinned, exempted)


def _find_ends(trie: Trie, fail: NDArray[np.int32], numbers: list[int]) -> _Ends:
    """Return the ends of strings that spell the phrases of these numbers, or -1."""
    count = len(trie.parent)
    ends = _Ends(np.zeros(count, np.int16), np.full(count, -1, np.int32), np.zeros(count, np.int32))
    ends.phrase[trie.ends] = numbers
    for level, (first, last) in enumerate(trie.levels):
        shorter = fail[first:last]
        ends.depth[first:last] = level
        ends.link[first:last] = np.where(ends.phrase[shorter] >= 0, shorter, ends.link[shorter])
    return ends


def _exempt(patterns: Patterns, strings: list[bytes], trie: Trie, links: FailureLinks, ends: _Ends) -> Exempted:
    """Return what the texts that exempt change, after taking out of `ends` what they exempt for certain."""
    nodes = dict(zip(strings, trie.ends.tolist(), strict=True))
    letters = {number: len(spelt.replace(BORDER.encode(), b"")) for spelt, number in patterns.phrases.items()}
    exempt = {nodes[text]: numbers for text, numbers in patterns.exempt.items()}
    exempted = find_exempted(trie, links, ends.phrase, ends.link, exempt, letters)
    for node, outputs in exempted.outputs.items():
        ends.phrase[node] = ends.phrase[node] if node in outputs else -1
        ends.link[node] = next((output for output in outputs if output != node), 0)
    # Where a text that exempts is complete, and nothing continues it, only its end may begin a phrase.
    whole = np.array(sorted(exempt))
    for node in whole[~np.isin(whole, trie.parent) & (ends.phrase[whole] < 0)]:
        ends.depth[node] = ends.depth[links.fail[node]]
    return exempted


def _with_states(
    symbols: NDArray[np.uint8],
    trie: Trie,
    strings: list[bytes],
    links: FailureLinks,
    ends: _Ends,
    twinned: NDArray[np.int64],
    exempted: Exempted,
) -> Table:
    """Return the table with two kinds of states more.

    Twins, in a table with borders: a further border after a phrase leads to a state that differs from the one
    before, one of `twinned`, only in not accepting, so that a phrase counts once. Late ends: a state entered where
    a phrase turns out not to be inside a text that exempts it; it goes on as the state that the text leads to.
    """
    paths = dict(zip(trie.ends.tolist(), strings, strict=True))
    repeated = [(paths.get(node) or trie.path(node)) + BORDER.encode() for node in twinned.tolist()]
    ordered = sorted([*strings, *repeated])
    longer = Trie.of(ordered)
    ends_at = dict(zip(ordered, longer.ends.tolist(), strict=True))
    twins = np.array([ends_at[path] for path in repeated], np.int64)
    kept = np.delete(np.arange(len(longer.parent)), twins)
    left = kept[sorted({state for late in exempted.late for state, _ in late.cells})]
    longer_links = FailureLinks(longer, symbols, links.border, left, twins)

    reached = kept[np.array([late.reached for late in exempted.late], np.int64)]
    first_late = len(longer.parent)
    all_ends = _Ends(*(np.zeros(first_late + len(reached), array.dtype) for array in ends))
    all_ends.depth[kept], all_ends.depth[twins] = ends.depth, ends.depth[twinned]
    all_ends.phrase[:] = -1
    all_ends.phrase[kept], all_ends.link[kept] = ends.phrase, kept[ends.link]
    # Reports of phrases go on with those of the state reached.
    all_ends.link[first_late:] = np.where(all_ends.phrase[reached] >= 0, reached, all_ends.link[reached])
    all_ends.depth[first_late:] = [late.distance for late in exempted.late]
    all_ends.phrase[first_late:] = [late.phrase for late in exempted.late]

    rows = {node: longer_links.leads_to(node) for node in left.tolist()}
    for number, late in enumerate(exempted.late):
        for state, symbol in late.cells:
            rows[int(kept[state])][symbol] = first_late + number
    for node, twin in zip(kept[twinned].tolist(), twins.tolist(), strict=True):
        if (row := rows.get(node)) is not None:
            if all_ends.accepting[node]:
                row[links.border] = twin
            rows[twin] = row
    for number, node in enumerate(reached.tolist()):
        # Its child is not the next state; and where a border changes nothing, the late end would count again.
        if node in rows or longer_links.child[node] or longer_links.may_stay[node]:
            rows[first_late + number] = rows[node] if node in rows else longer_links.leads_to(node)
    return _table(symbols, longer, longer_links, all_ends, rows, reached, exempted.late)


def _table(
    symbols: NDArray[np.uint8],
    trie: Trie,
    links: FailureLinks,
    ends: _Ends,
    rows: Mapping[int, NDArray[np.int32]],
    reached: NDArray[np.int64],
    late: Sequence[LateEnd],
) -> Table:
    layout = lay_out(trie, links, rows, reached)
    accepting = np.nonzero(ends.accepting)[0]
    accepting = accepting[np.argsort(layout.state[accepting])]

    lead = np.concatenate([trie.first_is(_BORDER_BYTE), np.array([one.lead for one in late], bool)])

    def by_state(of_node: NDArray[Any]) -> NDArray[Any]:
        array = np.zeros(len(layout.symbol), of_node.dtype)
        array[layout.state] = of_node
        return array

    return Table(
        symbols.tobytes(),
        layout.top,
        layout.cells,
        layout.symbol,
        layout.row,
        by_state(ends.depth),
        by_state(lead),
        by_state(ends.accepting),
        layout.state[accepting].astype(np.int32),
        ends.phrase[accepting],
        layout.state[ends.link[accepting]].astype(np.int32),
        np.array([one.letters for one in late], np.int32),
    )
