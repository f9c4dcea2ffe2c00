from __future__ import annotations

import pytest
import typer

from guard.errors import BadSettings
from serving.cli.console import admin_client, console, reported
from serving.cli.output import print_table


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


ROWS = [("ft_1", "[red]a name[/red] " + "long " * 30), ("ft_2", "••• (4 characters)")]


def test_a_table_in_a_pipe_is_lines_with_every_cell_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "name"), ROWS)
    printed = capsys.readouterr().out.splitlines()
    assert [tuple(line.split("\t")) for line in printed] == [("id", "name"), *ROWS]


def test_a_table_on_a_terminal_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "_force_terminal", True)
    print_table(("id", "name"), ROWS)
    assert "[red]a name[/red]" in capsys.readouterr().out
