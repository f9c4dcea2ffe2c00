"""What was done with keys, and with the rule of approval, as a person reads it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from guard.registry.approval.rule import Approval
from guard.registry.keys.key import Audience, KeyDraft
from guard.targets.audit_log import acting_as
from serving.cli.admin import keys
from serving.cli.app import app
from tests.serving.admin_plane import Plane


@pytest.mark.parametrize("limit", [1, 1000])
def test_events_are_listed_to_the_last_with_who_acted(
    plane: Plane, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MAX_PAGE", limit)
    id = plane.registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT)).key.id
    with acting_as("command:anne"):
        plane.registry.approvals.rule.write(Approval.FOUR_EYES)
        plane.registry.approvals.rule.write(Approval.NONE)
    lines = CliRunner().invoke(app, ["keys", "events"]).output.splitlines()
    assert [line.split("\t")[::2] for line in lines[1:]] == [
        ["1", "created", "admin"],
        ["2", "approval_required", "command:anne"],
        ["3", "approval_ended", "command:anne"],
    ]
    assert [line.split("\t")[3] for line in lines[1:]] == [id, "-", "-"]
    found = json.loads(CliRunner().invoke(app, ["keys", "events", "--json"]).output)
    assert [event["key_id"] for event in found["events"]] == [id, "", ""]
    assert found["first_broken"] is None


def test_a_trail_that_was_altered_says_so(plane: Plane) -> None:
    plane.registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT))
    with plane.registry._database.writing() as connection:
        connection.execute("DROP TRIGGER key_events_stay_on_update")
        connection.execute("UPDATE key_events SET actor = 'clock'")
    said = CliRunner().invoke(app, ["keys", "events"]).output
    assert "the audit trail of keys is broken at event 1" in " ".join(said.split())
