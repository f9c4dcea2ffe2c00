from __future__ import annotations

from typer.testing import CliRunner, Result

from guard.targets.target import Draft, Mode
from serving.cli.app import app
from tests.serving.admin_plane import Plane

ADA = Draft(name="Ada Quillfeather", mode=Mode.SHADOW)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["targets", *arguments])


def test_a_share_is_set_compared_and_taken_away(plane: Plane) -> None:
    id = plane.registry.add(ADA).id
    said = run("canary", id, "--share", "0.2").output
    assert "share: 0.2" in said
    assert "enforced" in said
    assert plane.registry.get(id).draft.canary == 0.2
    assert "share: none" in run("canary", id, "--share", "0").output
    assert plane.registry.get(id).draft.canary is None


def test_a_share_of_an_enforced_target_is_refused(plane: Plane) -> None:
    id = plane.registry.add(Draft(name="Bo Lark")).id
    refused = run("canary", id, "--share", "0.2")
    assert refused.exit_code == 1
    assert "canary_not_in_shadow" in refused.output


def test_a_target_is_promoted(plane: Plane) -> None:
    id = plane.registry.add(ADA).id
    run("canary", id, "--share", "0.2")
    assert f"{id} enforced" in " ".join(run("promote", id).output.split())
    draft = plane.registry.get(id).draft
    assert (draft.mode, draft.canary) == (Mode.ENFORCE, None)
