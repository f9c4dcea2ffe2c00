"""What one person proposes comes into force when another approves it, and never before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.errors import (
    AlreadyProposed,
    DuplicateTarget,
    InvalidTarget,
    NothingProposed,
    NotSecondPerson,
    StaleRevision,
    UnknownTarget,
)
from guard.registry.approval.proposed import ChangeKind, ChangeState, Person
from guard.registry.registry import Registry
from guard.registry.search import TargetSearch
from guard.targets.target import Draft, ForgetTarget, Mode, State

ANNE, BERT, CLEO = Person("key_1", "anne"), Person("key_2", "bert"), Person("oidc:c", "cleo")
ANNES_OTHER_KEY = Person("key_9", "anne")
DRAFT = Draft(name="Ottoline Vexley", phrases=("the Marrow ledger",))


def proposed(registry: Registry, draft: Draft = DRAFT, by: Person = ANNE) -> ForgetTarget:
    return registry.approvals.add_one(draft, by)


def in_force(registry: Registry, draft: Draft = DRAFT) -> ForgetTarget:
    return registry.approvals.approve(proposed(registry, draft).id, 1, BERT)


def trail(registry: Registry) -> list[tuple[str, int, int, str, str]]:
    return [(e.action, e.revision, e.policy_version, e.actor, e.proposer) for e in registry.events()]


def test_a_proposed_target_has_phrases_and_is_no_part_of_the_policy(registry: Registry) -> None:
    target = proposed(registry)
    assert (target.state, target.revision) == (State.PROPOSED, 1)
    assert "the Marrow ledger" in registry.get(target.id).forbidden
    assert registry.version() == 0
    assert registry.active() == registry.changes(-1).targets == registry.changes(0).targets == []
    change = registry.approvals.change(target.id)
    assert change is not None
    assert (change.kind, change.state, change.base, change.revision) == (ChangeKind.ADD, ChangeState.OPEN, 0, 1)
    assert trail(registry) == [("proposed", 1, 0, "key_1", "")]


def test_another_person_brings_it_into_force_and_the_trail_names_both(registry: Registry) -> None:
    target = registry.approvals.approve(proposed(registry).id, 1, BERT)
    assert target.state is State.ACTIVE
    assert [one.id for one in registry.active()] == [target.id]
    assert registry.get(target.id).forbidden == target.forbidden
    assert registry.version() == 1
    assert registry.approvals.change(target.id) is None
    assert trail(registry) == [
        ("proposed", 1, 0, "key_1", ""),
        ("approved", 1, 0, "key_2", "key_1"),
        ("added", 1, 1, "key_2", "key_1"),
    ]
    assert registry.first_broken_event() is None


def test_the_trail_shows_when_a_proposer_was_altered(registry: Registry, alter: Callable[..., None]) -> None:
    in_force(registry)
    alter("UPDATE events SET proposer = 'key_7' WHERE action = 'added'")
    assert registry.first_broken_event() == 3


@pytest.mark.parametrize("again", [ANNE, ANNES_OTHER_KEY])
def test_who_proposed_it_does_not_approve_it_by_any_key(registry: Registry, again: Person) -> None:
    target = proposed(registry)
    with pytest.raises(NotSecondPerson):
        registry.approvals.approve(target.id, 1, again)
    assert registry.active() == []


def test_a_change_after_the_look_is_not_approved(registry: Registry) -> None:
    target = proposed(registry)
    changed = registry.approvals.propose(target.id, replace(DRAFT, phrases=("the tin archive",)), 1, ANNE)
    assert (changed.state, changed.revision) == (State.PROPOSED, 2)
    for stale in (0, 1, 3):
        with pytest.raises(StaleRevision):
            registry.approvals.approve(target.id, stale, BERT)
    assert "the tin archive" in registry.approvals.approve(target.id, 2, BERT).forbidden


def test_an_enforced_target_stays_as_it_is_until_its_change_is_approved(registry: Registry) -> None:
    before = in_force(registry)
    assert registry.approvals.propose(before.id, replace(DRAFT, aliases=("Otto Vex",)), 1, ANNE) == before
    assert registry.get(before.id) == before
    assert registry.version() == 1
    waiting = registry.find(TargetSearch(state=State.PROPOSED)).items
    assert [one.id for one in waiting] == [before.id]
    after = registry.approvals.approve(before.id, 2, BERT)
    assert (after.revision, after.draft.aliases, after.created_at) == (2, ("Otto Vex",), before.created_at)
    assert registry.get(before.id) == after
    assert registry.changes(1).targets == [after]
    assert registry.find(TargetSearch(state=State.PROPOSED)).items == []


def test_revocation_takes_a_second_person_too(registry: Registry) -> None:
    target = in_force(registry)
    registry.approvals.propose(target.id, None, 1, ANNE)
    assert registry.get(target.id).state is State.ACTIVE
    ended = registry.approvals.approve(target.id, 2, CLEO)
    assert (ended.state, ended.draft.name, ended.forbidden) == (State.REVOKED, "", ())
    assert trail(registry)[-2:] == [("approved", 2, 1, "oidc:c", "key_1"), ("revoked", 2, 2, "oidc:c", "key_1")]


def test_what_is_rejected_is_erased_and_keeps_its_reason(registry: Registry) -> None:
    target = proposed(registry)
    rejected = registry.approvals.reject(target.id, 1, BERT, "names a bystander")
    assert (rejected.state, rejected.draft.name, rejected.forbidden) == (State.REJECTED, "", ())
    assert registry.get(target.id) == rejected
    change = registry.approvals.change(target.id)
    assert change is not None
    assert (change.state, change.reason, change.decided_by) == (ChangeState.REJECTED, "names a bystander", "key_2")
    assert registry.version() == 0
    with pytest.raises(NothingProposed):
        registry.approvals.approve(target.id, 1, CLEO)


def test_a_rejected_change_leaves_the_target_and_its_revision_is_not_used_again(registry: Registry) -> None:
    target = in_force(registry)
    registry.approvals.propose(target.id, replace(DRAFT, mode=Mode.SHADOW), 1, ANNE)
    assert registry.approvals.reject(target.id, 2, BERT) == target
    registry.approvals.propose(target.id, replace(DRAFT, mode=Mode.SHADOW), 1, CLEO)
    # Who looked at the first one approves nothing.
    with pytest.raises(StaleRevision):
        registry.approvals.approve(target.id, 2, BERT)
    assert registry.approvals.approve(target.id, 3, BERT).revision == 3


def test_a_person_takes_back_what_they_proposed(registry: Registry) -> None:
    target = proposed(registry)
    assert registry.approvals.reject(target.id, 1, ANNE).state is State.REJECTED


def test_an_urgent_target_is_in_force_until_somebody_else_confirms_or_ends_it(registry: Registry) -> None:
    target = registry.approvals.add_one(DRAFT, ANNE, urgent=True)
    assert [one.id for one in registry.active()] == [target.id]
    with pytest.raises(NotSecondPerson):
        registry.approvals.approve(target.id, 1, ANNE)
    with pytest.raises(AlreadyProposed):
        registry.approvals.propose(target.id, DRAFT, 1, ANNE)
    assert registry.approvals.approve(target.id, 1, BERT) == target
    assert registry.version() == 1
    other = registry.approvals.add_one(Draft(name="Perrin Oldacre"), ANNE, urgent=True)
    assert registry.approvals.reject(other.id, 1, BERT).state is State.REVOKED
    assert [one.id for one in registry.active()] == [target.id]
    assert registry.version() == 3


def test_one_change_is_open_at_a_time_and_only_its_proposer_replaces_it(registry: Registry) -> None:
    target = in_force(registry)
    registry.approvals.propose(target.id, replace(DRAFT, aliases=("Otto Vex",)), 1, ANNE)
    with pytest.raises(AlreadyProposed):
        registry.approvals.propose(target.id, None, 1, BERT)
    registry.approvals.propose(target.id, replace(DRAFT, aliases=("Lina Vex",)), 1, ANNES_OTHER_KEY)
    assert registry.approvals.approve(target.id, 3, BERT).draft.aliases == ("Lina Vex",)


def test_a_change_of_what_has_changed_since_is_not_approved(registry: Registry) -> None:
    target = in_force(registry)
    registry.approvals.propose(target.id, replace(DRAFT, aliases=("Otto Vex",)), 1, ANNE)
    registry.change(target.id, replace(DRAFT, basis="court"), 1)
    with pytest.raises(StaleRevision):
        registry.approvals.approve(target.id, 2, BERT)
    registry.approvals.reject(target.id, 2, BERT)


def test_an_expired_target_takes_its_open_change_with_it(registry: Registry) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    target = in_force(registry, replace(DRAFT, expires_at=soon))
    registry.approvals.propose(target.id, replace(DRAFT, aliases=("Otto Vex",)), 1, ANNE)
    registry.expire(soon)
    assert registry.approvals.change(target.id) is None
    with pytest.raises(NothingProposed):
        registry.approvals.approve(target.id, 2, BERT)


def test_what_would_have_ended_by_now_is_not_approved(registry: Registry) -> None:
    soon = datetime.now(UTC) + timedelta(milliseconds=40)
    target = proposed(registry, replace(DRAFT, expires_at=soon))
    while datetime.now(UTC) <= soon:
        pass
    with pytest.raises(InvalidTarget):
        registry.approvals.approve(target.id, 1, BERT)


def test_a_new_target_that_would_have_ended_while_it_waits_is_rejected_and_its_texts_are_erased(
    registry: Registry,
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    target, other = (proposed(registry, replace(DRAFT, name=f"Vexley {n}", expires_at=soon)) for n in "ab")
    changed = registry.approvals.propose(other.id, replace(other.draft, basis="court"), 1, ANNE)
    later = proposed(registry, replace(DRAFT, expires_at=soon + timedelta(hours=1)))
    for_ever = proposed(registry, replace(DRAFT, name="Vexley c"))
    assert registry.expire(soon - timedelta(seconds=1)) == 0
    assert registry.approvals.waiting() == 4
    assert registry.expire(soon) == 0
    assert [registry.get(id).state for id in (target.id, changed.id)] == [State.REJECTED] * 2
    assert [registry.get(id).state for id in (later.id, for_ever.id)] == [State.PROPOSED] * 2
    assert registry.get(target.id).draft.phrases == registry.get(target.id).forbidden == ()
    assert registry.version() == 0
    assert trail(registry)[-1] == ("rejected", 2, 0, "clock", "key_1")
    change = registry.approvals.change(target.id)
    assert change is not None
    assert (change.state, change.decided_by, change.reason) == (
        ChangeState.REJECTED,
        "clock",
        "it would have ended by now",
    )
    assert registry.first_broken_event() is None


def test_names_are_unique_among_what_waits_and_what_is_in_force(registry: Registry) -> None:
    first = proposed(registry)
    with pytest.raises(DuplicateTarget) as raised:
        proposed(registry, replace(DRAFT, name="OTTOLINE  vexley"), BERT)
    assert raised.value.field == "name"
    with pytest.raises(DuplicateTarget):
        registry.approvals.add_one(DRAFT, BERT, urgent=True)
    batch = [DRAFT, Draft(name="Perrin Oldacre")]
    with pytest.raises(DuplicateTarget) as raised:
        registry.approvals.add(batch, BERT, lambda draft: True, skip_existing=False)
    assert raised.value.field == "targets[0].name"
    again = registry.approvals.add(batch, BERT, lambda draft: True, skip_existing=True)
    assert (again.existing, len(again.targets)) == ([first.id], 1)
    # One that came into force meanwhile, where no approval was needed.
    registry.add(DRAFT)
    with pytest.raises(DuplicateTarget):
        registry.approvals.approve(first.id, 1, BERT)


def test_of_a_batch_only_what_needs_approval_waits_for_it(registry: Registry) -> None:
    drafts = [DRAFT, Draft(name="Perrin Oldacre", mode=Mode.SHADOW)]
    added = registry.approvals.add(
        drafts, ANNE, lambda draft: draft.mode is Mode.ENFORCE, skip_existing=False
    ).targets
    assert [one.state for one in added] == [State.PROPOSED, State.ACTIVE]
    assert registry.version() == 1
    assert set(registry.approvals.changes([one.id for one in added])) == {added[0].id}


def test_what_there_is_not_is_neither_proposed_nor_approved(registry: Registry) -> None:
    with pytest.raises(UnknownTarget):
        registry.approvals.propose("ft_none", DRAFT, 1, ANNE)
    with pytest.raises(UnknownTarget):
        registry.approvals.approve("ft_none", 1, BERT)
    target = in_force(registry)
    with pytest.raises(NothingProposed):
        registry.approvals.approve(target.id, 1, BERT)
    with pytest.raises(NothingProposed):
        registry.approvals.propose(proposed(registry, Draft(name="Perrin Oldacre")).id, None, 1, ANNE)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "urgent", "change", "revoke", "approve", "reject"]),
        st.sampled_from([ANNE, ANNES_OTHER_KEY, BERT]),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_nothing_comes_into_force_or_ends_without_two_persons(
    registry: Registry, steps: list[tuple[str, Person, int, int]]
) -> None:
    """Whatever is asked in whatever order: two persons stand behind each change, but for the addition of an urgent
    target."""
    names = ("Ottoline Vexley", "Perrin Oldacre", "Saskia Thornby")
    began = registry.version()
    for step, by, place, back in steps:
        known = registry.list(limit=1000).items
        target = next((one for one in reversed(known) if one.draft.name == names[place]), None)
        try:
            if step == "add":
                proposed(registry, Draft(name=names[place]), by)
            elif step == "urgent":
                registry.approvals.add_one(Draft(name=names[place]), by, urgent=True)
            elif target is not None:
                waiting = registry.approvals.change(target.id)
                seen = (waiting.revision if waiting else target.revision) - back
                if step == "change":
                    registry.approvals.propose(
                        target.id, replace(target.draft, basis=str(back)), target.revision, by
                    )
                elif step == "revoke":
                    registry.approvals.propose(target.id, None, target.revision, by)
                elif step == "approve":
                    registry.approvals.approve(target.id, seen, by)
                    assert back == 0
                else:
                    registry.approvals.reject(target.id, seen, by)
                    assert back == 0
        except (AlreadyProposed, DuplicateTarget, NothingProposed, NotSecondPerson, StaleRevision, UnknownTarget):
            continue
    people = {"key_1": "anne", "key_9": "anne", "key_2": "bert"}
    events = [event for event in registry.events(limit=10_000) if event.policy_version > began]
    for event in events:
        if event.action == "changed" or (event.action == "added" and event.proposer):
            assert people[event.actor] != people[event.proposer]
    assert registry.first_broken_event() is None
