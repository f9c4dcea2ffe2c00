"""A check by the command line asks for the policy set and the side of canary shares that are named."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from serving.cli.app import app
from serving.client import AdminClient
from serving.client.observed import Check


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ((), ((), None)),
        (("--tag", "eu", "--tag", "staff"), (("eu", "staff"), None)),
        (("--canary", "enforced"), ((), "enforced")),
        (("--canary", "shadow", "--tag", "eu"), (("eu",), "shadow")),
    ],
)
def test_what_is_named_is_asked_for(
    options: tuple[str, ...], asked: tuple[tuple[str, ...], str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def check(self: AdminClient, text: str, *, tags: list[str], canary: str | None) -> Check:
        sent.append((text, tuple(tags), canary))
        return Check(matches=(), namesakes=(), plan="pass", policy_version=3)

    monkeypatch.setenv("LETHE_ADMIN_KEY", "key")
    monkeypatch.setattr(AdminClient, "check", check)
    result = CliRunner().invoke(app, ["check", "Who is she?", *options])
    assert (result.exit_code, sent) == (0, [("Who is she?", *asked)])


def test_no_other_side_is_taken() -> None:
    assert CliRunner().invoke(app, ["check", "Who is she?", "--canary", "both"]).exit_code == 2
