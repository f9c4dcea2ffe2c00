from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guard.targets.target import Draft
from serving.cli.app import app
from serving.client import AdminClient
from tests.serving.admin_plane import Plane, client_of


@pytest.fixture
def id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    plane = Plane(tmp_path)
    monkeypatch.setattr(AdminClient, "from_environment", lambda *_: client_of(plane))
    yield plane.registry.add(Draft(name="Ada Quillfeather")).id
    plane.registry.close()


def test_a_case_is_set_listed_as_overdue_and_closed(id: str) -> None:
    run = CliRunner().invoke
    made = run(app, ["cases", "set", id, "--received", "2026-01-05", "--requester", "T-1"])
    assert (made.exit_code, made.output) == (0, f"{id} due 2026-02-05\n")
    listed = run(app, ["cases", "list", "--json"])
    assert listed.exit_code == 2
    (case,) = json.loads(listed.output)["cases"]
    assert (case["target_id"], case["state"], case["requester"]) == (id, "overdue", "T-1")
    assert run(app, ["cases", "list", "--overdue", "--quiet"]).output == f"{id}\n"
    assert run(app, ["cases", "close", id]).output == f"{id} closed\n"
    rest = run(app, ["cases", "list", "--quiet"])
    assert (rest.exit_code, rest.output) == (0, "")
    assert id in run(app, ["cases", "list", "--all"]).output


def test_a_date_of_its_own_is_kept(id: str) -> None:
    run = CliRunner().invoke
    made = run(app, ["cases", "set", id, "--received", "2090-01-05", "--due", "2090-01-19"])
    assert made.output == f"{id} due 2090-01-19\n"
    listed = run(app, ["cases", "list"])
    assert listed.exit_code == 0
    assert f"{id}\topen\t2090-01-19\t2090-01-05" in listed.output
