"""Commands are found by entry points, also those of other packages; a broken one stops no other."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from serving.cli.plugins import GROUP, add_commands

PYPROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
OURS = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"][GROUP]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command("serve")(lambda: print("serving"))
    targets = typer.Typer()
    targets.command("list")(lambda: print("none"))
    app.add_typer(targets, name="targets")
    return app


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of another package: a group, and two functions."""
    module = ModuleType("our_tickets")
    module.app = typer.Typer()  # type: ignore[attr-defined]
    module.app.command("open")(lambda: print("opened"))
    module.sync = lambda: print("synchronised")  # type: ignore[attr-defined]
    module.limit = 7  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "our_tickets", module)


def added(app: typer.Typer, **points: str) -> dict[str, str]:
    """Add these entry points, and return what was reported of each that failed."""
    reported: dict[str, str] = {}
    found = [EntryPoint(name.replace("_", "."), value, GROUP) for name, value in points.items()]
    add_commands(app, found, lambda point, error: reported.update({point.name: type(error).__name__}))
    return reported


def said(app: typer.Typer, *arguments: str) -> str:
    return CliRunner().invoke(app, arguments).output.strip()


def test_a_group_is_added_and_commands_to_it_and_to_groups_that_were_there(app: typer.Typer) -> None:
    points = {"tickets_sync": "our_tickets:sync", "tickets": "our_tickets:app", "targets_sync": "our_tickets:sync"}
    assert added(app, **points) == {}
    assert said(app, "tickets", "open") == "opened"
    assert said(app, "tickets", "sync") == said(app, "targets", "sync") == "synchronised"
    assert said(app, "targets", "list") == "none"


def test_a_command_at_the_top_is_added(app: typer.Typer) -> None:
    assert added(app, sync="our_tickets:sync") == {}
    assert said(app, "sync") == "synchronised"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("gone", "no_such_package.cli:app", "ModuleNotFoundError"),
        ("gone", "our_tickets:nothing", "AttributeError"),
        ("number", "our_tickets:limit", "TypeError"),
        ("nowhere_sync", "our_tickets:sync", "LookupError"),
    ],
)
def test_a_broken_one_is_reported_and_stops_no_other(app: typer.Typer, name: str, value: str, error: str) -> None:
    assert added(app, **{name: value}, zebra="our_tickets:sync") == {name.replace("_", "."): error}
    assert said(app, "zebra") == "synchronised"
    assert said(app, "serve") == "serving"


@pytest.mark.parametrize("name", ["serve", "targets", "targets_list"])
def test_a_command_that_is_there_is_not_replaced(app: typer.Typer, name: str) -> None:
    assert added(app, **{name: "our_tickets:sync"}) == {name.replace("_", "."): "LookupError"}
    assert said(app, "serve") == "serving"
    assert said(app, "targets", "list") == "none"


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_own_entry_points_name_commands(name: str) -> None:
    value = EntryPoint(name, OURS[name], GROUP).load()
    assert isinstance(value, typer.Typer) or callable(value)
