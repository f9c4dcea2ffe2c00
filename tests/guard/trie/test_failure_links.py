"""The compact automaton against a plain one: a row for every prefix of the patterns."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.patterns import Exemption
from guard.text.normalise import fold
from guard.trie.failure_links import FailureLinks
from guard.trie.trie import Trie

letters = st.sampled_from("ab日")
pattern_sets = st.sets(st.text(letters, min_size=1, max_size=8).map(str.encode), min_size=1, max_size=12)
phrase_lists = st.lists(st.text("ab -", max_size=6).filter(fold), max_size=6)


def longest_suffix(path: bytes, prefixes: set[bytes]) -> bytes:
    return next(path[at:] for at in range(len(path) + 1) if path[at:] in prefixes)


@given(pattern_sets)
def test_links_lead_to_the_longest_suffix_that_begins_a_pattern(patterns: set[bytes]) -> None:
    trie = Trie.of(sorted(patterns))
    paths = [trie.path(node) for node in range(len(trie.parent))]
    node_of = {path: node for node, path in enumerate(paths)}
    symbols = np.zeros(256, np.uint8)
    alphabet = np.unique(trie.byte[1:])
    symbols[alphabet] = np.arange(1, len(alphabet) + 1)
    links = FailureLinks(trie, symbols)
    for node, path in enumerate(paths):
        assert paths[links.fail[node]] == longest_suffix(path[1:], set(node_of))
        leads_to = links.leads_to(node).tolist()
        assert leads_to == [
            0,
            *(node_of[longest_suffix(path + bytes([byte]), set(node_of))] for byte in alphabet.tolist()),
        ]


def test_only_nodes_where_paths_part_have_rows() -> None:
    def rows(*patterns: bytes) -> int:
        return int(FailureLinks(Trie.of(sorted(patterns)), np.arange(256, dtype=np.uint8)).has_row.sum())

    near_the_start = 3
    assert rows(bytes(range(1, 100))) == near_the_start
    assert rows(b"a" * 100) == near_the_start + 1
    assert rows(b"basilromerto", b"basilica") == near_the_start + 1


@settings(max_examples=200)
@given(phrase_lists, phrase_lists, st.data())
def test_states_are_followed_alike_one_by_one_and_as_arrays(
    plain: list[str], bordered: list[str], data: st.DataObject
) -> None:
    known = [*plain, *bordered] or ["a"]
    exemptions = [Exemption(phrase, f"b {phrase} a") for phrase in data.draw(st.sets(st.sampled_from(known)))]
    for part in Automaton.compile(plain, bordered, exemptions).parts:
        states = np.arange(len(part))
        following = part.follow_all(states)
        for symbol in range(part.width):
            byte = next((byte for byte in range(256) if part.symbols[byte] == symbol), 0)
            symbols = np.full(len(states), part.symbols[byte])
            one_by_one = [part.run(state, bytes([byte])) for state in states.tolist()]
            assert part.follow(states, symbols).tolist() == one_by_one
            assert part.symbols[byte] != symbol or following[:, symbol].tolist() == one_by_one


def test_a_state_takes_a_fraction_of_a_row() -> None:
    arrays = Automaton.compile([f"invented phrase number {number * number}" for number in range(1_000)]).arrays
    assert sum(array.nbytes for array in arrays.arrays) < len(arrays.symbol) * arrays.cells.shape[1] * 4 / 2
