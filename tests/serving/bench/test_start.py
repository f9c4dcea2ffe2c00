from __future__ import annotations

import pytest
from typer.testing import CliRunner

from serving.bench import start
from serving.cli.app import app


def test_every_command_is_one_of_the_command_line_and_ends_before_a_server_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "targets.json").write_text("[]")
    monkeypatch.setenv("LETHE_ADMIN_KEY", "none")
    monkeypatch.setenv("ADMIN_URL", "http://127.0.0.1:9")
    for command in start.COMMANDS:
        arguments = [str(tmp_path / "targets.json") if part == "FILE" else part for part in command]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0 or "unreachable" in done.output, command


def test_a_start_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "COMMANDS", (("version",),))
    (measured,) = start.run(1)
    assert measured.command == "lethe version"
    assert measured.seconds > 0
    assert start.markdown([measured]).splitlines()[-1] == f"| `lethe version` | {measured.seconds:.2f} s |"
