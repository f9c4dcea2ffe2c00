"""A server asks for approval by its setting, and cannot do without what another one has asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guard.registry.approval.rule import Approval
from guard.registry.registry import Registry
from guard.targets.target import Draft, Mode, State
from serving.access.rights import OWNER
from serving.approval.changes import TargetChanges
from serving.approval.opening import open_changes

ADA = Draft(name="Ada Quillfeather")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry(tmp_path / "registry.db")) as registry:
        yield registry


def state_of_new(changes: TargetChanges, name: str) -> State:
    return changes.add_one(OWNER, Draft(name=name)).state


def test_changes_are_made_at_once_where_no_server_has_asked_for_more(registry: Registry) -> None:
    assert state_of_new(open_changes(registry, Approval.NONE), "Ada Quillfeather") is State.ACTIVE


def test_a_server_that_asks_for_approval_has_the_changes_at_all_servers_wait(
    registry: Registry, tmp_path: Path
) -> None:
    lax = open_changes(registry, Approval.NONE)
    with closing(Registry(tmp_path / "registry.db")) as shared:
        strict = open_changes(shared, Approval.FOUR_EYES)
        assert state_of_new(strict, "Ada Quillfeather") is State.PROPOSED
        # It was started before.
        assert state_of_new(lax, "Bo Quill") is State.PROPOSED


def test_a_server_that_is_started_alone_and_asks_for_none_does_not_get_it(
    registry: Registry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Registry(tmp_path / "registry.db")) as first:
        target = open_changes(first, Approval.NONE).add_one(OWNER, ADA)
        open_changes(first, Approval.FOUR_EYES)
    with caplog.at_level(logging.INFO, "lethe.approval"):
        later = open_changes(registry, Approval.NONE)
    assert "whatever the setting of this server" in caplog.text
    assert later.revoke(OWNER, target, is_exact=True).state is State.ACTIVE
    assert state_of_new(later, "Bo Quill") is State.PROPOSED
    assert later.add(OWNER, [Draft(name="Cy Quill")]).targets[0].state is State.PROPOSED
    assert [one.id for one in registry.active()] == [target.id]


def test_the_rule_is_written_once_and_never_by_a_server_that_asks_for_less(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_changes(registry, Approval.FOUR_EYES)
    monkeypatch.delattr(type(registry.approvals.rule), "write")
    for asked in Approval:
        assert open_changes(registry, asked).four_eyes


def test_what_is_in_shadow_does_not_wait(registry: Registry) -> None:
    changes = open_changes(registry, Approval.FOUR_EYES)
    assert changes.add_one(OWNER, Draft(name="Ada Quillfeather", mode=Mode.SHADOW)).state is State.ACTIVE


def test_the_trail_says_that_a_server_has_asked_for_it_by_its_settings(registry: Registry) -> None:
    for asked in (Approval.NONE, Approval.FOUR_EYES, Approval.FOUR_EYES, Approval.NONE):
        open_changes(registry, asked)
    found = registry.keys.events()
    assert [(event.action, event.key_id, event.actor) for event in found.events] == [
        ("approval_required", "", "settings")
    ]
