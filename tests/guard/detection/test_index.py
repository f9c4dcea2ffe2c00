from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.detection.embedder import Vectors
from guard.detection.index import MOST_NEARLY, TargetIndex


def unit(*rows: list[float]) -> Vectors:
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


EAST, NORTH, BETWEEN = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]


def test_an_empty_index_finds_nothing() -> None:
    index = TargetIndex.build({})
    assert len(index) == 0
    assert index.near(unit(EAST), -1.0) == {}


def test_each_target_is_found_once_with_its_best_row_and_query() -> None:
    index = TargetIndex.build({"a": unit(EAST, BETWEEN), "b": unit(NORTH)})
    assert index.near(unit(BETWEEN, EAST), 0.5) == pytest.approx({"a": 1.0, "b": 0.5**0.5})


def test_a_target_at_the_threshold_is_found_and_below_it_is_not() -> None:
    index = TargetIndex.build({"a": unit([0.6, 0.8])})
    at = float(index.cosine(unit(EAST), "a"))
    assert index.near(unit(EAST), at) == {"a": at}
    assert index.near(unit(EAST), at + 1e-6) == {}


def test_no_query_finds_nothing() -> None:
    index = TargetIndex.build({"a": unit(EAST)})
    none = np.empty((0, 2), np.float32)
    assert index.near(none, -1.0) == {}
    assert index.cosine(none, "a") == 0.0


def test_a_change_makes_another_index_and_leaves_the_first() -> None:
    first = TargetIndex.build({"a": unit(EAST), "b": unit(NORTH)})
    second = first.with_changes({"c": unit(BETWEEN)}, ["a"])
    assert set(first.near(unit(EAST), -1.0)) == {"a", "b"}
    assert set(second.near(unit(EAST), -1.0)) == {"b", "c"}
    assert "a" in first
    assert "a" not in second


def test_a_changed_target_keeps_none_of_its_former_rows() -> None:
    index = TargetIndex.build({"a": unit(EAST, BETWEEN)}).with_changes({"a": unit(NORTH)}, ["a"])
    assert index.near(unit(EAST), 0.1) == {}
    assert np.array_equal(index.vectors("a"), unit(NORTH))


def test_everything_can_be_removed_and_come_back() -> None:
    index = TargetIndex.build({"a": unit(EAST)}).with_changes({}, ["a"])
    assert index.near(unit(EAST), -1.0) == {}
    assert index.with_changes({"a": unit(EAST)}, []).near(unit(EAST), 0.9) == {"a": 1.0}


def test_a_target_cannot_be_in_twice_nor_leave_when_it_is_not_in() -> None:
    index = TargetIndex.build({"a": unit(EAST)})
    with pytest.raises(ValueError, match="once"):
        index.with_changes({"a": unit(NORTH)}, [])
    with pytest.raises(ValueError, match="once"):
        index.with_changes({}, ["b"])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3)), max_size=12))
def test_any_run_of_changes_equals_an_index_built_at_once(changes: list[tuple[str, int]]) -> None:
    index, rows = TargetIndex.build({}), {}
    for number, (target, count) in enumerate(changes):
        if target in rows and count == 1:
            index = index.with_changes({}, [target])
            del rows[target]
        else:
            vectors = unit(*([float(number + 1), float(row + 1)] for row in range(count)))
            index = index.with_changes({target: vectors}, [target] if target in rows else [])
            rows[target] = vectors
    built = TargetIndex.build(rows)
    query = unit(EAST, BETWEEN)
    assert index.near(query, -1.0) == built.near(query, -1.0)
    assert all(np.array_equal(index.vectors(target), rows[target]) for target in rows)


def test_threads_may_search_one_index_at_once() -> None:
    rows = np.random.default_rng(0).standard_normal((200, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = TargetIndex.build({f"t{number}": row[None] for number, row in enumerate(rows)})
    found: list[bool] = []

    def search(number: int) -> None:
        found.append(all(f"t{k}" in index.near(rows[k][None], 0.999) for k in range(number, 200, 4)))

    threads = [threading.Thread(target=search, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4


@pytest.mark.parametrize("recent", [0, 3, 1000])
def test_settled_and_recent_rows_are_found_alike(recent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.detection.index.TIER_ROWS", (recent,))
    rows = np.random.default_rng(1).standard_normal((12, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = TargetIndex.build({f"t{k}": rows[2 * k : 2 * k + 2] for k in range(4)})
    index = index.with_changes({"t1": rows[8:9], "t9": rows[9:12]}, ["t1", "t2"])
    assert len(index) == 4
    assert index.near(rows[2:6], 0.999) == {}
    assert set(index.near(rows[8:12], 0.999)) == {"t1", "t9"}
    assert index.nearest(rows[10:11], "t9") == (1, pytest.approx(1.0))


def test_many_rows_are_searched_by_cells_and_a_row_finds_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.detection.index.MAX_EXACT_ROWS", 500)
    rows = np.random.default_rng(2).standard_normal((2000, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = TargetIndex.build({f"t{k}": rows[2 * k : 2 * k + 2] for k in range(1000)})
    assert index._tiers.tiers[0].part.index is None
    index = index.with_changes({"more": np.repeat(rows[:1], 4096, axis=0)}, [])
    assert hasattr(index._tiers.tiers[0].part.index, "nprobe")
    assert all(f"t{k}" in index.near(rows[2 * k : 2 * k + 1], 0.999) for k in range(0, 1000, 37))
    assert np.array_equal(index.vectors("t7"), rows[14:16])


def test_of_rows_that_come_nearly_as_near_only_the_best_are_looked_at() -> None:
    angles = {f"ft_{number}": 0.5 + 0.002 * number for number in range(4 * MOST_NEARLY)} | {"ft_near": 0.1}
    rows = {id: np.array([[np.cos(angle), np.sin(angle)]], np.float32) for id, angle in angles.items()}
    index, asked = TargetIndex.build(rows), np.array([[1.0, 0.0]], np.float32)
    assert index.near(asked, 0.95).keys() == {"ft_near"}
    best = {"ft_near", *(f"ft_{number}" for number in range(MOST_NEARLY))}
    assert index.near(asked, 0.95, 0.5).keys() == best
    assert index.near(asked, 0.95, 0.95).keys() == {"ft_near"}
