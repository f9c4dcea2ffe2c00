from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.errors import PolicyUnavailable
from guard.matching.automaton_file import path_of
from guard.matching.automaton_store import AutomatonStore
from guard.matching.subset import MAX_KEPT, attach
from guard.policy import layers
from guard.policy.always import AlwaysOnAutomata
from guard.registry.registry import Registry
from guard.targets.passages import enforced
from guard.targets.target import Draft, ForgetTarget, Scope

WORDS = ["alder", "birch", "cedar", "dogwood", "elm", "fir"]


@pytest.fixture
def store(tmp_path: Path) -> AutomatonStore:
    folder = tmp_path / "store"
    folder.mkdir()
    return AutomatonStore(folder)


def stored(registry: Registry, number: int) -> ForgetTarget:
    return registry.preview(
        Draft(name=f"literal {number}", phrases=(f"{WORDS[number]} code",), scope=Scope.ALWAYS)
    )


def found(always: AlwaysOnAutomata, store: AutomatonStore) -> set[str]:
    text = ", ".join(f"{word} code" for word in WORDS)
    return {text[o.start : o.end] for digest in always.digests for o in store[digest].matches(text)}


def said(targets: dict[str, ForgetTarget]) -> set[str]:
    return {phrase for target in targets.values() for phrase in enforced(target) if phrase.endswith("code")}


def test_adding_leaves_the_settled_automaton_as_it_is(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 1)
    one, two, three = (stored(registry, number) for number in range(3))
    settled = AlwaysOnAutomata().with_changes([one, two], [], store)
    assert settled.layers.recent == {}
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 100)
    added = settled.with_changes([three], [], store)
    assert added.layers.settled == settled.layers.settled
    assert set(added.layers.recent) == {three.id}
    assert found(added, store) == {"alder code", "birch code", "cedar code"}


def test_a_full_small_automaton_becomes_a_layer_and_after_several_all_are_to_be_compiled_together(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One target fits, two do not.
    most = max(len(set(enforced(stored(registry, number)))) for number in range(len(WORDS)))
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", most)
    monkeypatch.setattr(layers, "MAX_LAYERS", 3)
    always, worn = AlwaysOnAutomata(), []
    for number in range(len(WORDS)):
        always = always.with_changes([stored(registry, number)], [], store)
        assert found(always, store) == {f"{word} code" for word in WORDS[: number + 1]}
        worn.append(always.is_worn)
    assert worn == [False] * 4 + [True] * 2
    assert len(always.digests) == len(WORDS)


def test_two_large_layers_are_to_be_compiled_together(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 1)
    one, two = (stored(registry, number) for number in range(2))
    both = AlwaysOnAutomata().with_changes([one], [], store).with_changes([two], [], store)
    smaller = min(len(set(enforced(target))) for target in (one, two))
    monkeypatch.setattr(layers, "MAX_MINOR_PHRASES", smaller)
    assert not both.is_worn
    monkeypatch.setattr(layers, "MAX_MINOR_PHRASES", smaller - 1)
    assert both.is_worn


def test_what_ends_is_out_of_force_without_compiling_and_its_phrases_that_others_have_stay(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 1)
    one, two, three = (stored(registry, number) for number in range(3))
    also_one = registry.preview(Draft(name="another", phrases=("alder code",), scope=Scope.ALWAYS))
    always = AlwaysOnAutomata().with_changes([one, two, three, also_one], [], store)
    monkeypatch.setattr(store, "write", lambda *_: pytest.fail("compiled"))
    ended = always.with_changes([], [two], store)
    assert found(ended, store) == {"alder code", "cedar code"}
    assert found(ended.with_changes([], [one], store), store) == {"alder code", "cedar code"}
    assert found(ended.with_changes([], [one, also_one], store), store) == {"cedar code"}
    assert ended.with_changes([], [one, also_one, three], store).digests == ()
    # Nothing is taken back twice, and the earlier sets are as they were.
    assert ended.with_changes([], [two], store) is ended
    assert found(always, store) == {"alder code", "birch code", "cedar code"}


def test_much_that_has_ended_is_to_be_compiled_away(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 1)
    every = [stored(registry, number) for number in range(len(WORDS))]
    always = AlwaysOnAutomata().with_changes(every, [], store)
    assert not always.with_changes([], every[:1], store).is_worn
    assert always.with_changes([], every[:3], store).is_worn


def test_a_server_and_a_worker_attach_what_is_left_of_an_automaton(
    registry: Registry, store: AutomatonStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 1)
    one, two = (stored(registry, number) for number in range(2))
    always = AlwaysOnAutomata().with_changes([one, two], [], store).with_changes([], [one], store)
    (digest,) = always.digests
    for automaton in (attach(tmp_path / "store", digest), AutomatonStore(tmp_path / "store")[digest]):
        assert automaton.digest == digest
        assert [text for text in ("alder code", "birch code") if automaton.matches(text)] == ["birch code"]
    # What was left before is not kept for long: unlike files, it takes memory.
    kept = AutomatonStore(tmp_path / "store")
    for number in range(2 * MAX_KEPT):
        kept.write_subset(always.layers.settled[0].whole, {number % 3, number % 2})
        assert kept[digest].digest == digest
    assert len(kept._mapped) == 1
    assert len(kept._subsets) <= MAX_KEPT
    path = path_of(tmp_path / "store", digest)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PolicyUnavailable):
        attach(tmp_path / "store", digest)


def test_what_changes_nothing_gives_the_same_automata(registry: Registry, store: AutomatonStore) -> None:
    always = AlwaysOnAutomata().with_changes([stored(registry, 0)], [], store)
    assert always.with_changes([], [stored(registry, 1)], store) is always


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.lists(st.integers(0, len(WORDS) - 1), min_size=1, max_size=3, unique=True), max_size=8))
def test_whatever_comes_and_goes_exactly_what_is_there_is_in_force(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch, steps: list[list[int]]
) -> None:
    monkeypatch.setattr(layers, "MAX_RECENT_PHRASES", 4)
    every = [stored(registry, number) for number in range(len(WORDS))]
    here: dict[str, ForgetTarget] = {}
    always = AlwaysOnAutomata()
    for step in steps:
        removed = [every[number] for number in step if every[number].id in here]
        added = [every[number] for number in step if every[number].id not in here]
        gone = {target.id for target in removed}
        here = {id: target for id, target in here.items() if id not in gone} | {t.id: t for t in added}
        always = always.with_changes(added, removed, store)
        assert found(always, store) == said(here)
        assert set(here) == {target.id for target in every if always.layers.holds(target.id)}
