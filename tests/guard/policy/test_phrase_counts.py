"""A phrase in the facts of many unrelated targets is context: not forbidden alone, in every answer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.matching.automaton_store import AutomatonStore
from guard.policy import layers as module
from guard.policy import phrase_counts as counts_module
from guard.policy.always import AlwaysOnAutomata
from guard.policy.phrase_counts import MAX_DATE_TARGETS, MAX_TARGETS, PhraseCounts, never_alone
from guard.registry.drafts import new_target
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, ForgetTarget, Kind, Scope
from guard.text.normalise import fold

FAMILIES = ("Quorne", "Tinderby", "Marrowby", "Orrelbeck", "Kilvert", "Penhallick", "Larkspurrow", "Brennick")
MUSEUM = "She works at the Fennimore Museum."


@pytest.fixture
def store(tmp_path: Path) -> AutomatonStore:
    (tmp_path / "store").mkdir()
    return AutomatonStore(tmp_path / "store")


def people(registry: Registry, answer: str, count: int, **more: object) -> list[ForgetTarget]:
    return [person(registry, f"Ilsabet {family}", answer, **more) for family in FAMILIES[:count]]


def person(registry: Registry, name: str, answer: str, **more: object) -> ForgetTarget:
    return registry.preview(Draft(name=name, facts=(Fact(answer=answer),), scope=Scope.ALWAYS, **more))  # type: ignore[arg-type]


def context_of(targets: Iterable[ForgetTarget]) -> frozenset[str]:
    return PhraseCounts(targets).context()


def test_what_many_unrelated_targets_share_is_context(registry: Registry) -> None:
    assert fold("Fennimore Museum") not in context_of(people(registry, MUSEUM, MAX_TARGETS))
    assert fold("Fennimore Museum") in context_of(people(registry, MUSEUM, MAX_TARGETS + 1))


def test_a_date_of_fewer_is_context_in_all_its_forms(registry: Registry) -> None:
    born = "She was born on 26 May 1981."
    assert not context_of(people(registry, born, MAX_DATE_TARGETS))
    context = context_of(people(registry, born, MAX_DATE_TARGETS + 1))
    assert {fold("26 May 1981"), fold("May 26, 1981"), fold("1981-05-26")} <= context


def test_a_day_without_a_year_is_context_where_there_are_many_targets(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = people(registry, "Her birthday is on 13 July.", 2)
    others = people(registry, "She was born on 13 July 1948.", 2)
    assert not context_of([*days, *others])
    monkeypatch.setattr(counts_module, "MAX_DAY_TARGETS", 3)
    counts = PhraseCounts(days)
    assert not counts.context()
    counts.update((), others)
    assert counts.context() == {fold("13 July")}
    counts.update(days[:1], ())
    assert not counts.context()
    counts.update((), days[:1])
    assert counts.context() == {fold("13 July")}
    counts.update(days, ())
    assert not counts.context()


def test_a_family_counts_once(registry: Registry) -> None:
    family = [
        person(registry, f"{given} Quorne", MUSEUM)
        for given in ("Ilsabet", "Tobias", "Wrenna", "Rufus", "Maud", "Hugo")
    ]
    assert len(family) > MAX_TARGETS
    assert not context_of(family)


def test_what_a_client_gave_does_not_count_and_stays_forbidden(registry: Registry) -> None:
    given = people(registry, "She keeps bees.", MAX_TARGETS + 1, phrases=("Fennimore Museum",))
    assert not context_of(given)
    context = context_of(people(registry, MUSEUM, MAX_TARGETS + 1))
    assert fold("Fennimore Museum") in never_alone(Draft(name="Ilsabet Quorne"), context)
    assert not never_alone(Draft(name="Ilsabet Quorne", phrases=("Fennimore MUSEUM",)), context)
    assert not never_alone(Draft(name="Fennimore Museum"), context)
    assert not never_alone(Draft(name="door", kind=Kind.SECRET), context)


def test_secrets_do_not_count(registry: Registry) -> None:
    assert not context_of(people(registry, MUSEUM, MAX_TARGETS + 1, kind=Kind.SECRET))


def test_counts_follow_the_targets(registry: Registry) -> None:
    targets = people(registry, MUSEUM, MAX_TARGETS + 1)
    counts = PhraseCounts()
    counts.update((), targets)
    assert counts.context() == context_of(targets)
    counts.update(targets[:1], ())
    assert not counts.context()
    counts.update(targets[1:], targets)
    assert counts.context() == context_of(targets)
    counts.update(targets, ())
    assert not counts.context()


def test_what_is_no_longer_context_is_forbidden_without_compiling_all(
    registry: Registry, store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = people(registry, MUSEUM, MAX_TARGETS + 1)
    context = context_of(targets)
    monkeypatch.setattr(module, "MAX_RECENT_PHRASES", 1)
    settled = AlwaysOnAutomata().with_changes(targets, (), store, context)
    monkeypatch.undo()
    assert found(settled, store) == set()
    later = settled.with_changes((), (), store)
    assert later.layers.settled == settled.layers.settled
    assert "Fennimore Museum" in found(later, store)


def test_what_becomes_context_is_left_out_of_the_targets_added_since(
    registry: Registry, store: AutomatonStore
) -> None:
    targets = people(registry, MUSEUM, MAX_TARGETS + 1)
    before = AlwaysOnAutomata().with_changes(targets[:-1], (), store)
    assert "Fennimore Museum" in found(before, store)
    after = before.with_changes(targets[-1:], (), store, context_of(targets))
    assert found(after, store) == set()


def found(always: AlwaysOnAutomata, store: AutomatonStore) -> set[str]:
    text = "the Fennimore Museum"
    return {text[o.start : o.end] for digest in always.digests for o in store[digest].matches(text)}


@pytest.fixture(scope="module")
def many() -> list[ForgetTarget]:
    answers = (
        MUSEUM,
        "She was born on 26 May 1981.",
        "Her birthday is on 13 July.",
        "She wrote Half Past the Rain.",
    )
    drafts = (
        Draft(name=f"Ilsabet {family}", facts=(Fact(answer=answer),)) for family in FAMILIES for answer in answers
    )
    return [new_target(draft) for draft in drafts]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sets(st.integers(0, 31), max_size=6), max_size=12))
def test_however_targets_change_context_is_what_counting_anew_finds(
    many: list[ForgetTarget], steps: list[set[int]]
) -> None:
    """Each step adds those of its targets that are not there, and removes the others of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(counts_module, "MAX_TARGETS", 2)
        patched.setattr(counts_module, "MAX_SHARE", 0.3)
        patched.setattr(counts_module, "MAX_DAY_TARGETS", 5)
        counts, present = PhraseCounts(), set[int]()
        for step in steps:
            gone, new = step & present, step - present
            present ^= step
            counts.update([many[i] for i in gone], [many[i] for i in new])
            assert counts.context() == context_of(many[i] for i in sorted(present))
