"""Pages name every setting, route, metric, error and command in a table; a row that is taken away is missed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from typer.main import get_command

from docs.site import reference
from serving.cli.app import app
from serving.routes import ROUTES
from serving.settings import Settings
from serving.telemetry.metrics import Metrics
from tests.test_docs import ROOT, text


class Table(NamedTuple):
    """Pages, what their tables must name, and the beginning of a row that does."""

    pages: tuple[str, ...]
    names: Callable[[], set[str]]
    row: str


def commands() -> set[str]:
    return {command for command, _ in reference.commands(get_command(app), "lethe")}


def routes() -> set[str]:
    return {f"{method} {route}" for route, method in ROUTES.items()}


def metrics() -> set[str]:
    page = Metrics().exposition().content.decode()
    return set(re.findall(r"^# TYPE (lethe_\w+) (?:counter|gauge|histogram)$", page, re.M)) - created(page)


def created(page: str) -> set[str]:
    """The times at which series began, which the library adds."""
    return set(re.findall(r"^# TYPE (\w+_created) gauge$", page, re.M))


def codes() -> set[str]:
    """The codes of all errors by the source, whatever is imported: of classes, and of answers made directly."""
    found: set[str] = set()
    for package in ("guard", "agents", "serving", "eval"):
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text("utf-8")
            found |= set(re.findall(r'(?:problem|error_response|Refused)\(\s*\d{3},\s*"([a-z_]+)"', source))
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ClassDef) and any("Error" in ast.unparse(base) for base in node.bases):
                    found |= {code for member in node.body if (code := code_of(member))}
    return found


def code_of(member: ast.stmt) -> str:
    is_code = isinstance(member, ast.Assign) and ast.unparse(member.targets[0]) == "code"
    return str(ast.literal_eval(member.value)) if isinstance(member, ast.Assign) and is_code else ""


TABLES = {
    "settings": Table(("docs/settings.md",), lambda: set(Settings.model_fields), r"^\| `{}` \|"),
    "routes": Table(("docs/data-plane.md",), routes, r"^\|[^|]*`{}`"),
    "commands": Table(("docs/cli.md",), commands, r"^\|(?:[^|]|\\\|)*`{}[` ]"),
    "metrics": Table(("docs/metrics.md",), metrics, r"^\| `{}`"),
    "errors": Table(("docs/errors.md", "docs/admin-plane.md"), codes, r"^\| `{}` \|"),
}


def page_of(table: Table) -> str:
    return "\n".join(map(text, table.pages))


def missing(table: Table, page: str) -> set[str]:
    """Return the names that no row of the page has."""
    return {name for name in table.names() if not re.search(table.row.replace("{}", re.escape(name)), page, re.M)}


@pytest.mark.parametrize("kind", TABLES)
def test_every_one_has_a_row(kind: str) -> None:
    table = TABLES[kind]
    assert len(table.names()) > 10
    assert missing(table, page_of(table)) == set()


@pytest.mark.parametrize("kind", TABLES)
def test_a_row_that_is_taken_away_is_missed(kind: str) -> None:
    table = TABLES[kind]
    for name in sorted(table.names())[::7]:
        row = re.compile(table.row.replace("{}", re.escape(name)) + r".*\n", re.M)
        assert name in missing(table, row.sub("", page_of(table)))
