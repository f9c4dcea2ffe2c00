from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from serving.cli.admin import elicit
from serving.cli.app import app
from serving.client import AdminClient
from serving.client.targets import Elicitation, Target

PROPOSAL = {
    "id": "p1",
    "kind": "fact",
    "text": "She lives in Varnholt.",
    "question": "",
    "times": 7,
    "styles": ["direct", "listing"],
    "languages": ["en"],
    "change": "new",
    "accepted": False,
}
KEPT = PROPOSAL | {"id": "p2", "change": "same"}


class Plane:
    """Stands in for the admin plane: three targets, and an elicitation that runs when it is first read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, object]] = []
        self.states = ["running", "done", "done"]
        monkeypatch.setenv("LETHE_ADMIN_KEY", "key")
        monkeypatch.setattr(elicit, "POLL_S", 0)
        for name in ("elicit", "elicitation", "accept", "targets"):
            monkeypatch.setattr(AdminClient, name, getattr(self, name))

    def elicit(self, target_id: str, options: dict[str, int], *, accept: str | None) -> Any:
        self.options = options
        self.asked.append((target_id, accept))
        return self._found(target_id, self.states[0])

    def elicitation(self, target_id: str, *, reveal: bool = False) -> Any:
        return self._found(target_id, self.states[-1])

    def accept(self, target_id: str, proposals: object) -> Any:
        self.asked.append((target_id, proposals))
        return Target.model_construct(forbidden=("a", "b"))

    def targets(self, *, state: str, page: int) -> Any:
        kinds = {"ft_1": "person", "ft_2": "secret", "ft_3": "work"}
        return [Target.model_construct(id=id, kind=kind) for id, kind in kinds.items()]

    def _found(self, target_id: str, state: str) -> Any:
        failed: dict[str, Any] = {
            "failed": {"code": "engine_unavailable", "detail": "gone"},
            "lost": {"code": None, "detail": "the server stopped"},
        }.get(state, {"code": None, "detail": None})
        members = {
            "target_id": target_id,
            "state": state,
            "share": 0.5,
            "model": "toy",
            "at": None,
            "answers": 9,
            "proposals": [PROPOSAL, KEPT],
        }
        return Elicitation.model_validate(members | failed)


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> Plane:
    return Plane(monkeypatch)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["targets", *arguments])
    return result.exit_code, result.output


def test_a_target_is_elicited_and_what_was_found_is_listed(plane: Plane) -> None:
    status, output = run("elicit", "ft_1", "--accept", "all")
    assert status == 0
    assert plane.asked == [("ft_1", "all")]
    assert "ft_1: done, 9 answers; proposals: 1 new, 1 same, 0 gone" in output
    assert "p1\tnew\tfact\t7\tdirect, listing\t\tShe lives in Varnholt." in output
    assert "p2" in output


def test_how_much_is_asked_can_be_said(plane: Plane) -> None:
    assert run("elicit", "ft_1")[0] == 0
    assert plane.options == {"samples": 2, "rounds": 2, "beginnings": True, "concurrency": 8}
    assert (
        run("elicit", "ft_1", "--samples", "0", "--rounds", "1", "--no-beginnings", "--concurrency", "32")[0] == 0
    )
    assert plane.options == {"samples": 0, "rounds": 1, "beginnings": False, "concurrency": 32}


def test_all_targets_but_secrets_are_elicited_and_only_changes_are_listed(plane: Plane) -> None:
    status, output = run("elicit", "--all")
    assert status == 0
    assert [target for target, _ in plane.asked] == ["ft_1", "ft_3"]
    assert "p1" in output
    assert "p2" not in output


def test_a_failed_elicitation_says_why_and_ends_with_status_1(plane: Plane) -> None:
    plane.states = ["failed"]
    status, output = run("elicit", "ft_1")
    assert status == 1
    assert "engine_unavailable gone" in output


def test_a_lost_elicitation_says_so_and_ends_with_status_1(plane: Plane) -> None:
    plane.states = ["running", "lost"]
    status, output = run("elicit", "ft_1")
    assert status == 1
    assert "ft_1 the server stopped" in output
    assert "ft_1: lost" in output


@pytest.mark.parametrize("arguments", [(), ("ft_1", "--all"), ("ft_1", "--accept", "p1")])
def test_arguments_that_do_not_fit_together_are_refused(plane: Plane, arguments: tuple[str, ...]) -> None:
    assert run("elicit", *arguments)[0] == 2
    assert plane.asked == []


def test_what_was_found_is_listed_again_and_accepted_one_by_one(plane: Plane) -> None:
    assert "p1" in run("proposals", "ft_1")[1]
    assert run("accept", "ft_1", "p1", "p2") == (0, "ft_1: 2 phrases forbidden\n")
    assert run("accept", "ft_1", "all")[0] == 0
    assert plane.asked == [("ft_1", ["p1", "p2"]), ("ft_1", "all")]
