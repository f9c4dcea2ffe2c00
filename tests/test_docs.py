"""The documentation names everything an operator or client can meet."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from guard.errors import LetheError
from serving.cli.app import app
from serving.protocol.refused_fields import REFUSED_FIELDS
from serving.routes import ROUTES
from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_its_help_text(name: str) -> None:
    line = next(line for line in text("docs/settings.md").splitlines() if line.startswith(f"| `{name}` |"))
    assert f"`LETHE_{name.upper()}`" in line
    assert str(Settings.model_fields[name].description) in line


@pytest.mark.parametrize("row", REFUSED_FIELDS, ids=lambda row: row.field)
def test_every_refused_field_is_documented_with_its_reason(row) -> None:  # type: ignore[no-untyped-def]
    assert any(f"`{row.field}`" in line and row.reason in line for line in text("docs/data-plane.md").splitlines())


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_route_is_documented(route: str) -> None:
    assert f"`{ROUTES[route]} {route}`" in text("docs/data-plane.md")


def test_every_surface_names_a_test_that_exists() -> None:
    table = text("docs/data-plane.md").split("## Surfaces")[1].split("\n\n")
    rows = [line for block in table for line in block.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        file, test = row.split("|")[-2].strip().strip("`").split("::")
        path = ROOT / (file if file.startswith("tests/") else f"tests/e2e/{file}")
        assert re.search(rf"^(async )?def {test}\(", path.read_text(encoding="utf-8"), re.M), row


def kinds(error: type[LetheError] = LetheError) -> list[type[LetheError]]:
    return [error, *(kind for child in error.__subclasses__() for kind in kinds(child))]


def test_every_error_code_is_documented() -> None:
    import serving.admin.app
    import serving.backup
    import serving.data_folder
    import serving.launch  # noqa: F401

    documented = set(re.findall(r"^\| `([a-z_]+)` \|", text("docs/errors.md"), re.M))
    assert {error.code for error in kinds()} <= documented


def commands(command: Any, path: str) -> Iterator[str]:
    """The command and those below it, without groups that do nothing by themselves."""
    names = command.list_commands(None) if isinstance(command, TyperGroup) else []
    if not names or command.invoke_without_command:
        yield path
    for name in names:
        yield from commands(command.get_command(None, name), f"{path} {name}")


@pytest.mark.parametrize("command", sorted(commands(get_command(app), "lethe")))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"`{command}[` ]", text("docs/cli.md"))


def test_the_readme_starts_with_the_two_commands() -> None:
    readme = text("README.md")
    assert "make serve" in readme
    assert "make test" in readme


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_every_relative_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text(page))
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/restriction.md", "CONTRIBUTING.md"])
def test_every_path_in_a_page_about_the_code_exists(page: str) -> None:
    named = re.findall(r"`((?:guard|agents|serving|eval|tests|docs)/[\w./-]*)`", text(page))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_table_of_rooms_is_what_the_rooms_say_of_themselves() -> None:
    rows = dict(re.findall(r"^\| `([\w/]+/)` \| (.*) \|$", text("docs/architecture.md"), re.M))
    packages = ("guard", "agents", "serving", "eval")
    inits = [path for package in packages for path in (ROOT / package).rglob("__init__.py")]
    said = {path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "" for path in inits}
    rooms = {f"{path.parent.relative_to(ROOT).as_posix()}/": doc.splitlines()[0] for path, doc in said.items()}
    assert rows == rooms


def test_every_walk_ends_at_a_line_of_the_file_that_it_names() -> None:
    section = text("docs/architecture.md").split("## Where it happens")[1].split("\n## ")[0]
    walks = re.findall(r"^\*\*.*?\*\* README → `([\w/.]+)`, [^:]*:\s`([^`]+)`", section, re.M)
    assert len(walks) == 3
    for file, line in walks:
        assert line in text(file), (file, line)


def test_the_worked_example_of_the_restriction_prints_what_its_page_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, printed = re.findall(r"```(?:python|text)\n(.*?)```", text("docs/restriction.md"), re.S)
    exec(compile(code, "docs/restriction.md", "exec"), {})
    assert capsys.readouterr().out == printed
