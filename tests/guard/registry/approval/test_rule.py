"""Whether changes take a second person is stored in the registry, for all of its servers and its copies."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guard.errors import StoreUnavailable
from guard.registry.approval.rule import Approval, ApprovalRule
from guard.registry.copying import CopyRefused, copy
from guard.registry.database import Location
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.registry.keys.keyring import Keyring
from guard.registry.opening import open_database
from guard.registry.registry import Registry
from guard.targets.audit_log import Actor, acting_as
from guard.targets.target import Draft


def test_a_new_registry_takes_nobody_else(registry: Registry) -> None:
    assert registry.approvals.rule.read() is Approval.NONE


def test_what_one_server_writes_holds_for_the_others_and_for_those_that_start_later(
    registry: Registry, location: Location
) -> None:
    with closing(Registry(location)) as other:
        registry.approvals.rule.write(Approval.FOUR_EYES)
        assert other.approvals.rule.read() is Approval.FOUR_EYES
    with closing(Registry(location)) as later:
        assert later.approvals.rule.read() is Approval.FOUR_EYES


def test_it_stays_as_targets_change_and_is_no_change_of_the_policy(registry: Registry) -> None:
    registry.approvals.rule.write(Approval.FOUR_EYES)
    assert (registry.version(), registry.events()) == (0, [])
    registry.add(Draft(name="Ottoline Vexley"))
    assert registry.version() == 1
    assert registry.approvals.rule.read() is Approval.FOUR_EYES


def test_a_rule_that_is_not_known_is_no_rule_that_lets_changes_through(
    registry: Registry, alter: Callable[..., None]
) -> None:
    alter("UPDATE policy SET approval = 'six_eyes'")
    with pytest.raises(StoreUnavailable):
        registry.approvals.rule.read()


def test_a_copy_has_the_rule_of_the_original(registry: Registry, location: Location, tmp_path: Path) -> None:
    registry.approvals.rule.write(Approval.FOUR_EYES)
    copy(location, tmp_path / "other.db")
    with closing(Registry(tmp_path / "other.db")) as other:
        assert other.approvals.rule.read() is Approval.FOUR_EYES


def test_no_copy_replaces_a_rule_that_is_in_force(registry: Registry, location: Location, tmp_path: Path) -> None:
    with closing(Registry(tmp_path / "other.db")) as other:
        other.approvals.rule.write(Approval.FOUR_EYES)
        with pytest.raises(CopyRefused, match="already"):
            copy(location, tmp_path / "other.db")
        assert other.approvals.rule.read() is Approval.FOUR_EYES


def switches(registry: Registry) -> list[tuple[str, str, str]]:
    return [(event.action, event.key_id, event.actor) for event in registry.keys.events().events]


def test_who_switched_it_and_when_stands_in_the_trail_of_keys(registry: Registry) -> None:
    before = datetime.now(UTC)
    with acting_as(Actor.SETTINGS):
        assert registry.approvals.rule.write(Approval.FOUR_EYES)
    key = registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT)).key
    with acting_as("command:anne"):
        assert registry.approvals.rule.write(Approval.NONE)
    assert switches(registry) == [
        ("approval_required", "", "settings"),
        ("created", key.id, "admin"),
        ("approval_ended", "", "command:anne"),
    ]
    found = registry.keys.events()
    assert found.first_broken is None
    assert before <= found.events[0].at <= found.events[-1].at <= datetime.now(UTC)


@pytest.mark.parametrize("rule", Approval)
def test_a_switch_to_what_is_in_force_is_no_event(registry: Registry, rule: Approval) -> None:
    registry.approvals.rule.write(rule)
    before = switches(registry)
    assert not registry.approvals.rule.write(rule)
    assert switches(registry) == before


def test_of_servers_that_ask_for_it_at_once_one_has_switched_it(registry: Registry, location: Location) -> None:
    with closing(open_database(location)) as other, ThreadPoolExecutor(2) as threads:
        rules = (registry.approvals.rule, ApprovalRule(other))
        switched = list(threads.map(lambda rule: rule.write(Approval.FOUR_EYES), rules))
    assert sorted(switched) == [False, True]
    assert switches(registry) == [("approval_required", "", "admin")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE key_events SET actor = 'clock' WHERE seq = 2",
        "UPDATE key_events SET key_id = (SELECT id FROM keys) WHERE seq = 2",
        "UPDATE key_events SET action = 'approval_required' WHERE seq = 2",
        "DELETE FROM key_events WHERE seq = 2",
    ],
)
def test_a_switch_that_somebody_hides_breaks_the_chain(
    registry: Registry, alter: Callable[..., None], statement: str
) -> None:
    registry.approvals.rule.write(Approval.FOUR_EYES)
    registry.approvals.rule.write(Approval.NONE)
    registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT))
    alter(statement)
    assert registry.keys.events().first_broken == 2


def test_a_rule_that_is_not_known_can_be_replaced(registry: Registry, alter: Callable[..., None]) -> None:
    alter("UPDATE policy SET approval = 'six_eyes'")
    assert registry.approvals.rule.write(Approval.FOUR_EYES)
    assert registry.approvals.rule.read() is Approval.FOUR_EYES


def test_a_switch_leaves_every_key_as_it_was(registry: Registry) -> None:
    new = registry.keys.create(KeyDraft(name="dashboard", audience=Audience.ADMIN, role=Role.READER))
    ring = Keyring(registry.keys)
    registry.approvals.rule.write(Approval.FOUR_EYES)
    ring.refresh()
    assert ring.find(new.secret, Audience.ADMIN) is not None
    registry.keys.revoke(new.key.id)
    ring.refresh()
    assert ring.find(new.secret, Audience.ADMIN) is None


def test_a_copy_has_the_events_of_the_rule(registry: Registry, location: Location, tmp_path: Path) -> None:
    registry.approvals.rule.write(Approval.FOUR_EYES)
    registry.approvals.rule.write(Approval.NONE)
    copy(location, tmp_path / "other.db")
    with closing(Registry(tmp_path / "other.db")) as other:
        assert other.keys.events() == registry.keys.events()
        assert len(switches(other)) == 2
