"""Policy versions over HTTP and on the command line: masked differences, and the way back, also by two persons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partialmethod
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guard.registry.approval.proposed import Person
from guard.registry.approval.rule import Approval
from guard.targets.target import Draft, Mode
from serving.cli.app import app
from serving.client import AdminClient, NotFound
from tests.serving.admin_plane import Plane, client_of

ANNE = Person("ak_anne", "anne")


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    with closing(plane.registry):
        yield plane


@pytest.fixture
def admin(plane: Plane) -> AdminClient:
    return client_of(plane)


def test_a_difference_is_masked_unless_it_is_revealed_and_the_trail_notes_that(admin: AdminClient) -> None:
    target = admin.add({"name": "Ada Quillfeather", "phrases": ["the Mothwick ledger"]})
    admin.change(target.id, {"phrases": [], "basis": "court"}, 1)
    (one,) = admin.policy_diff(1, 2).changes
    assert (one.target_id, one.kind, one.change, one.before, one.after) == (target.id, "person", "changed", 1, 2)
    assert [(each.member, each.removed, each.added) for each in one.differences or ()] == [
        ("phrases", ("••• (19 characters)",), ()),
        ("basis", ("",), ("court",)),
    ]
    (shown,) = admin.policy_diff(1, 2, reveal=True).changes
    assert (shown.differences or ())[0].removed == ("the Mothwick ledger",)
    assert [event.action for event in admin.events()][-1] == "revealed"
    assert [each.change for each in admin.policy_diff(0, 1).changes] == ["added"]
    with pytest.raises(NotFound):
        admin.policy_diff(1, 9)


def test_differences_are_told_in_pages(plane: Plane, admin: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [admin.add({"name": f"{name} Quill"}).id for name in ("Ada", "Bo", "Cy")]
    first = admin.policy_diff(0, 3, limit=2)
    last = admin.policy_diff(0, 3, first.next_cursor, limit=2)
    assert [one.target_id for one in (*first.changes, *last.changes)] == ids[::-1]
    assert last.next_cursor is None
    with pytest.raises(NotFound):
        admin.policy_diff(0, 3, "ft_unknown")
    monkeypatch.setattr(AdminClient, "from_environment", lambda: client_of(plane))
    monkeypatch.setattr(AdminClient, "policy_diff", partialmethod(AdminClient.policy_diff, limit=2))
    shown = CliRunner().invoke(app, ["policy", "diff", "0", "3", "--json"])
    found = json.loads(shown.output)
    assert ([one["target_id"] for one in found["changes"]], found["next_cursor"]) == (ids[::-1], None)


def test_a_rollback_brings_back_what_is_kept_and_names_what_was_erased(plane: Plane, admin: AdminClient) -> None:
    ada, bo = admin.add_many([{"name": "Ada Quillfeather"}, {"name": "Bo Quill"}]).ids
    admin.change(ada, {"mode": "shadow"}, 1)
    admin.revoke(bo)
    cy = admin.add({"name": "Cy Quill"}).id
    planned = admin.rollback(1, dry_run=True)
    assert (planned.changed, planned.revoked, planned.erased) == ((ada,), (cy,), (bo,))
    assert plane.registry.version() == 4
    done = admin.rollback(1)
    assert (done.changed, done.revoked, done.erased, done.policy_version) == ((ada,), (cy,), (bo,), 5)
    assert [(one.id, one.draft.mode) for one in plane.registry.active()] == [(ada, Mode.ENFORCE)]


def test_under_four_eyes_each_change_of_the_way_back_waits(plane: Plane, admin: AdminClient) -> None:
    ada, bo = (plane.registry.add(Draft(name=name)) for name in ("Ada Quillfeather", "Bo Quill"))
    plane.registry.change(ada.id, Draft(name="Ada Quillfeather", basis="court"), 1)
    quiet = plane.registry.add(Draft(name="Cy Quill", mode=Mode.SHADOW))
    plane.registry.approvals.rule.write(Approval.FOUR_EYES)
    done = admin.rollback(1)
    assert (done.changed, done.revoked, set(done.proposed)) == ((), (quiet.id,), {ada.id, bo.id})
    assert {one.id for one in plane.registry.active()} == {ada.id, bo.id}
    assert plane.registry.approvals.approve(ada.id, 3, ANNE).draft.basis == ""
    again = admin.rollback(1)
    assert (again.proposed, again.refused) == ((bo.id,), ())
    plane.registry.approvals.reject(bo.id, 3, ANNE)
    plane.registry.approvals.propose(bo.id, None, 1, ANNE)
    assert admin.rollback(1).refused == (bo.id,)


def test_the_command_line_shows_the_difference_and_goes_back(
    plane: Plane, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AdminClient, "from_environment", lambda: client_of(plane))
    target = admin.add({"name": "Ada Quillfeather"})
    admin.change(target.id, {"basis": "court"}, 1)
    shown = CliRunner().invoke(app, ["policy", "diff", "1", "2"])
    assert f"{target.id} basis + court" in shown.output
    went = CliRunner().invoke(app, ["policy", "rollback", "1", "--json"])
    assert json.loads(went.output)["changed"] == [target.id]
    assert plane.registry.get(target.id).draft.basis == ""
