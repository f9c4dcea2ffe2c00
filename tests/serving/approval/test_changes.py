"""A change that is under way while the rule of approval is switched on is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from guard.errors import StaleRevision
from guard.registry.approval.rule import Approval
from guard.registry.registry import Registry
from guard.targets.target import Draft, ForgetTarget, Mode
from serving.access.rights import OWNER
from serving.approval.changes import TargetChanges

ADA, BO = Draft(name="Ada Quillfeather"), Draft(name="Bo Quill")
SHADOW = replace(ADA, mode=Mode.SHADOW)
Change = Callable[[TargetChanges, ForgetTarget], object]
CHANGES: dict[str, Change] = {
    "add": lambda changes, ada: changes.add_one(OWNER, BO),
    "add many": lambda changes, ada: changes.add(OWNER, [BO]),
    "add missing": lambda changes, ada: changes.add(OWNER, [BO, ADA], skip_existing=True),
    "change": lambda changes, ada: changes.change(OWNER, ada, SHADOW),
    "revoke": lambda changes, ada: changes.revoke(OWNER, ada, is_exact=False),
    "go back": lambda changes, ada: changes.go_back(OWNER, changes.registry.versions.way_back(0).steps),
}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry(tmp_path / "registry.db")) as registry:
        yield registry


class SwitchedOn:
    """A rule that another server switches on as soon as it was read."""

    def __init__(self, registry: Registry) -> None:
        self._rule = registry.approvals.rule

    def read(self) -> Approval:
        found = self._rule.read()
        self._rule.write(Approval.FOUR_EYES)
        return found


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_was_under_way_when_the_rule_was_switched_on_is_not_done(
    registry: Registry, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = registry.add(ADA)
    version = registry.version()
    monkeypatch.setattr(registry.approvals, "rule", SwitchedOn(registry))
    with pytest.raises(StaleRevision):
        change(TargetChanges(registry), ada)
    assert (registry.version(), registry.active()) == (version, [ada])
