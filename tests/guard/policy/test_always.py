from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.matching.automaton_store import AutomatonStore
from guard.policy import always as module
from guard.policy.always import AlwaysOnAutomata
from guard.targets.passages import enforced
from guard.targets.registry import Registry
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
    monkeypatch.setattr(module, "MAX_RECENT_PHRASES", 1)
    one, two, three = (stored(registry, number) for number in range(3))
    settled = AlwaysOnAutomata().with_changes([one, two], [], [one, two], store)
    assert settled.recent == {}
    monkeypatch.setattr(module, "MAX_RECENT_PHRASES", 100)
    added = settled.with_changes([three], [], [one, two, three], store)
    assert (added.base, set(added.recent)) == (settled.base, {three.id})
    assert found(added, store) == {"alder code", "birch code", "cedar code"}


def test_a_full_small_automaton_is_kept_and_all_are_compiled_together_only_after_several(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One target fits, two do not.
    most = max(len(set(enforced(stored(registry, number)))) for number in range(len(WORDS)))
    monkeypatch.setattr(module, "MAX_RECENT_PHRASES", most)
    monkeypatch.setattr(module, "MAX_FULL_AUTOMATA", 2)
    here: list[ForgetTarget] = []
    always, counts = AlwaysOnAutomata(), []
    for number in range(len(WORDS)):
        here.append(stored(registry, number))
        always = always.with_changes(here[-1:], [], here, store)
        assert found(always, store) == {f"{word} code" for word in WORDS[: number + 1]}
        counts.append(len(always.digests))
    assert counts == [1, 2, 3, 1, 2, 3]
    gone = always.with_changes([], [here[0].id], here[1:], store)
    assert found(gone, store) == {f"{word} code" for word in WORDS[1:]}


def test_what_changes_nothing_gives_the_same_automata(registry: Registry, store: AutomatonStore) -> None:
    always = AlwaysOnAutomata().with_changes([stored(registry, 0)], [], [], store)
    assert always.with_changes([], ["ft_another"], [], store) is always


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.lists(st.integers(0, len(WORDS) - 1), min_size=1, max_size=3, unique=True), max_size=8))
def test_whatever_comes_and_goes_exactly_what_is_there_is_in_force(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch, steps: list[list[int]]
) -> None:
    monkeypatch.setattr(module, "MAX_RECENT_PHRASES", 4)
    every = [stored(registry, number) for number in range(len(WORDS))]
    here: dict[str, ForgetTarget] = {}
    always = AlwaysOnAutomata()
    for step in steps:
        removed = [every[number].id for number in step if every[number].id in here]
        added = [every[number] for number in step if every[number].id not in here]
        here = {id: target for id, target in here.items() if id not in removed} | {t.id: t for t in added}
        always = always.with_changes(added, removed, here.values(), store)
        assert found(always, store) == said(here)
