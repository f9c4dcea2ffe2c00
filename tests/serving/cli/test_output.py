"""Every command prints help within 80 columns, and those that find something print JSON and ids."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

from guard.registry.approval.proposed import Person
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.registry.outside.cases import Case
from guard.targets.elicitation import Change, Elicitation, Proposal, ProposalKind
from guard.targets.target import Draft, Fact, Mode
from serving.cli import output
from serving.cli.app import app
from serving.client import AdminClient
from tests.serving.admin_plane import Plane, client_of

COLUMNS = 80
ROOT = Path(__file__).resolve().parents[3]


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    names = command.list_commands(None) if isinstance(command, TyperGroup) else []
    yield path, command
    for name in names:
        yield from leaves(command.get_command(None, name), (*path, name))


COMMANDS = dict(leaves(get_command(app)))
PRINTING = [
    " ".join(path)
    for path, command in COMMANDS.items()
    if any("--json" in getattr(option, "opts", ()) for option in command.params)
]


def lethe(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_fits_80_columns(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    result = lethe(*path, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= COLUMNS
    assert "\x1b[" not in result.output


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    monkeypatch.setattr(AdminClient, "from_environment", lambda: client_of(plane))
    found = plane.registry.add(Draft(name="Ada Quill", facts=(Fact(answer="She keeps bees in Tarnhollow."),)))
    proposal = Proposal(
        id="p1",
        kind=ProposalKind.FACT,
        text="She lives in Varnholt.",
        question="",
        times=7,
        styles=("direct",),
        languages=("en",),
        change=Change.NEW,
    )
    plane.registry.elicitations.keep(found.id, found_of(proposal))
    monkeypatch.setattr(AdminClient, "elicit", lambda self, id, options, accept: self.elicitation(id))
    yield plane
    plane.registry.close()


def found_of(proposal: Proposal) -> Elicitation:
    return Elicitation(model="toy", at=datetime.now(UTC), answers=9, proposals=(proposal,))


@pytest.fixture
def arguments(plane: Plane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[object, ...]]:
    """What each command is given besides its options for output."""
    (tmp_path / "t.jsonl").write_text('{"name": "Bo Quill"}\n')
    monkeypatch.setenv("LETHE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    id, file = plane.registry.active()[0].id, tmp_path / "t.jsonl"
    draft = KeyDraft(name="of a script", audience=Audience.ADMIN, role=Role.READER)
    key = plane.registry.keys.create(draft).key.id
    far = datetime(2990, 1, 1, tzinfo=UTC)
    plane.registry.cases.put(Case(target_id=id, received_at=far - timedelta(days=30), due_at=far))
    with_registry = lethe(
        "registry", "copy", f"sqlite:///{tmp_path / 'registry.db'}", f"sqlite:///{tmp_path}/data/lethe.db"
    )
    assert with_registry.exit_code == 0, with_registry.output
    lethe("backup", tmp_path / "kept")
    waiting = plane.registry.approvals.add_one(Draft(name="Dee Quill"), Person("ak_anne", "anne")).id
    shadow = plane.registry.add(Draft(name="Eve Quill", mode=Mode.SHADOW)).id
    return {
        "targets add": ("Cy Quill",),
        "targets list": (),
        "targets show": (id,),
        "targets quoted": (id, file),
        "targets revoke": (id,),
        "targets import": (file,),
        "targets export": ("-",),
        "targets elicit": (id,),
        "targets proposals": (id,),
        "targets accept": (id, "p1"),
        "targets canary": (shadow, "--share", "0.05"),
        "targets promote": (shadow,),
        "targets proposed": (waiting,),
        "targets approve": (waiting, "--revision", 1),
        "targets reject": (waiting, "--revision", 1, "--reason", "wrong person"),
        "policy diff": (0, 1),
        "policy rollback": (1, "--dry-run"),
        "check": ("Who is Ada Quill?",),
        "try": ("Who is Ada Quill?",),
        "keys create": ("dashboard", "--role", "reader"),
        "keys list": (),
        "keys events": (),
        "keys rotate": (key,),
        "keys revoke": (key,),
        "cases list": (),
        "cases set": (id, "--received", "2026-01-31", "--due", "2990-01-31"),
        "cases close": (id,),
        "doctor": (),
        "verdicts": (),
        "audit verify": (),
        "audit checkpoints": (),
        "audit webhooks": (),
        "replicas": (),
        "backup": (tmp_path / "backup",),
        "restore": (tmp_path / "kept",),
        "registry copy": (f"sqlite:///{tmp_path / 'registry.db'}", f"sqlite:///{tmp_path / 'copy.db'}"),
        "registry approval": ("four_eyes",),
        "assistant list": ("--dir", tmp_path / "assistants"),
        "version": (),
    }


# They train, or need an assistant or an encryption key: the tests of their modules have them.
ELSEWHERE = {
    *("assistant train", "assistant show", "assistant promote", "assistant retire", "detector fit"),
    *("registry encrypt", "registry reencrypt", "registry rewrap"),
}


# They cannot be repeated.
ONCE = {
    *("backup", "restore", "registry copy", "targets revoke", "targets add", "targets accept"),
    *("targets approve", "targets reject", "targets promote"),
    *("keys create", "keys revoke"),
}


@pytest.mark.parametrize("command", sorted({*PRINTING} - ELSEWHERE))
def test_json_is_one_object_and_ids_are_lines(command: str, arguments: dict[str, tuple[object, ...]]) -> None:
    given = (*command.split(), *arguments[command])
    if command in ONCE:
        found = lethe(*given, "--json")
    else:
        quiet = lethe(*given, "--quiet")
        assert quiet.exit_code == (command == "doctor"), quiet.output
        assert all(re.fullmatch(r"\S+", line) for line in quiet.stdout.splitlines())
        found = lethe(*given, "--json")
    if command == "targets import":
        # The row was stored with --quiet.
        assert (found.exit_code, json.loads(found.stdout)["ids"]) == (1, [])
        return
    # No data plane answers here.
    assert found.exit_code == (command == "doctor"), found.output
    assert isinstance(json.loads(found.stdout), dict)


@pytest.mark.parametrize("command", PRINTING)
def test_the_shape_of_json_is_documented(command: str) -> None:
    table = (ROOT / "docs/cli.md").read_text(encoding="utf-8").split("## JSON\n")[1].split("\n## ")[0]
    assert f"`{command}`" in table


@pytest.mark.parametrize("group", ["targets", "audit", "registry"])
def test_every_command_of_the_admin_plane_prints_json(group: str) -> None:
    own = {" ".join(path) for path in COMMANDS if path[:1] == (group,) and len(path) == 2}
    # What `audit export` prints is JSON Lines already.
    assert own - {"audit export"} <= {*PRINTING}


WIDE = (
    ("at", "request", "target", "signals"),
    [("2031-01-31T10:00:00", "req-" + "0" * 36, "ft_" + "0" * 26, "name 1.00, semantic 0.40 " * 3)],
)


def drawn(monkeypatch: pytest.MonkeyPatch, width: int, capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    import sys

    console = Console(force_terminal=True, width=width, file=sys.stdout, **options)
    monkeypatch.setattr(output, "console", console)
    output.print_table(*WIDE, less_important=("signals", "request"))
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_table_fits_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    shown = re.sub(r"\x1b\[[\d;]*m", "", drawn(monkeypatch, width, capsys))
    assert max(map(len, shown.splitlines())) <= width
    assert "ft_" + "0" * 26 in shown
    assert ("signals" in shown) == (width >= 80)
    assert ("request" in shown) == (width >= 120)


def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = drawn(monkeypatch, 80, capsys)
    assert re.findall(r"\x1b\[(?:3|4|9)\d", shown) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    result = CliRunner().invoke(app, ["--show-completion", shell], prog_name="lethe")
    assert result.exit_code == 0
    assert "_LETHE_COMPLETE" in result.stdout


def test_commands_are_completed() -> None:
    environment = {"_LETHE_COMPLETE": "complete_bash", "COMP_WORDS": "lethe targets re", "COMP_CWORD": "2"}
    result = CliRunner().invoke(app, [], prog_name="lethe", env=environment)
    assert sorted(result.stdout.split()) == ["reject", "revoke"]
