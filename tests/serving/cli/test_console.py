from __future__ import annotations

import pytest
import typer

from guard.errors import BadSettings
from serving.cli.console import admin_client, reported


def test_an_error_is_one_line_of_code_and_message_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    message = "no file [red]in/here[/red] " + "long " * 40
    with pytest.raises(typer.Exit) as ended, reported():
        raise BadSettings(message)
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err.rstrip("\n") == f"bad_settings {message}"


def test_an_interrupt_is_status_130_and_says_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, reported("run it again"):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "run it again\n"


def test_what_the_admin_plane_refuses_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LETHE_ADMIN_KEY", raising=False)
    with pytest.raises(typer.Exit), admin_client():
        pass
    assert capsys.readouterr().err.startswith("missing_key set LETHE_ADMIN_KEY")
