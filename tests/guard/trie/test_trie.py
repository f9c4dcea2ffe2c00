from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.trie.trie import Trie


@given(st.sets(st.binary(max_size=5).map(lambda data: bytes(b % 3 for b in data))))
def test_nodes_are_the_distinct_prefixes_by_length_and_order(strings: set[bytes]) -> None:
    trie = Trie.of(sorted(strings))
    prefixes = [b""]
    for parent, byte in zip(trie.parent[1:].tolist(), trie.byte[1:].tolist(), strict=True):
        prefixes.append(prefixes[parent] + bytes([byte]))
    expected = {string[:k] for string in strings for k in range(len(string) + 1)} | {b""}
    assert prefixes == sorted(expected, key=lambda prefix: (len(prefix), prefix))
    assert [prefixes[node] for node in trie.ends] == sorted(strings)
    assert [{len(p) for p in prefixes[a:b]} for a, b in trie.levels] == [{k} for k in range(len(trie.levels))]
