"""Whether changes take a second person is stored in the registry, for all of its servers and its copies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from guard.errors import StoreUnavailable
from guard.registry.approval.rule import Approval
from guard.registry.copying import CopyRefused, copy
from guard.registry.database import Location
from guard.registry.registry import Registry
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
