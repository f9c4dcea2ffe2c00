"""The documentation names everything an operator or client can meet."""

from __future__ import annotations

import ast
import html
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from docs.site import build, reference
from guard.errors import LetheError
from serving.cli.app import app
from serving.protocol.refused_fields import REFUSED_FIELDS
from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = dict(reference.commands(get_command(app), "lethe"))


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


def test_every_surface_names_a_test_that_exists() -> None:
    table = text("docs/data-plane.md").split("## Surfaces")[1].split("\n\n")
    rows = [line for block in table for line in block.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        (place,) = TEST.findall(row.split("|")[-2])
        assert exists(*place), row


def test_every_attack_names_a_test_that_exists() -> None:
    attacks = text("docs/security.md").split("## Attacks, defences, tests")[1].split("\n## ")[0]
    rows = [line for line in attacks.splitlines() if line.startswith("| ") and not line.startswith("| attack |")]
    assert len(rows) > 60
    for row in rows:
        (place,) = TEST.findall(row.split("|")[-2])
        assert exists(*place), row


def test_every_requirement_has_a_status_and_says_where() -> None:
    table = text("docs/security.md").split("## OWASP AISVS")[1]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| ")
    ]
    assert len(rows) > 30
    for number, _, status, where in rows[1:]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", number)
        assert status in {"met", "partly", "not"}, number
        assert where, number
        assert all(exists(*place) for place in TEST.findall(where)), number


TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
"""A test as pages name it; one outside `tests/` is in `tests/e2e`."""


def exists(file: str, test: str) -> bool:
    path = ROOT / (file if file.startswith("tests/") else f"tests/e2e/{file}")
    return bool(re.search(rf"^ *(async )?def {test}\(", path.read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "docs/diagrams").glob("*.dot")))
def test_a_diagram_is_drawn_from_its_text(name: str) -> None:
    labels = re.findall(r'label="([^"]+)"', text(f"docs/diagrams/{name}.dot"))
    written = {line for label in labels for line in label.split("\\n")}
    drawn = text(f"docs/diagrams/{name}.svg")
    assert written == {html.unescape(line) for line in re.findall(r"<text [^>]*>([^<]*)</text>", drawn)}
    assert not re.search(r"<script|<image|href=", drawn)


def kinds(error: type[LetheError] = LetheError) -> list[type[LetheError]]:
    return [error, *(kind for child in error.__subclasses__() for kind in kinds(child))]


def test_the_readme_starts_with_the_two_commands() -> None:
    readme = text("README.md")
    assert "make serve" in readme
    assert "make test" in readme


PAGES = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text(page))
    assert [link for link in links if not (folder / link).exists()] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    project = tomllib.loads(text("docs/site/zensical.toml"))["project"]
    named = set(re.findall(r"'([\w/.-]+\.md)'", str(project["nav"])))
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    assert named == pages | {f"reference/{name}" for name in reference.NAMES} | set(build.PROJECT.values())


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


def blocks(page: str) -> list[tuple[str, str]]:
    """The blocks of code of a page, each with its language, if it says one."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text(page), re.S | re.M)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_a_block_is_one_with_these_options(page: str) -> None:
    code = "\n".join(body for language, body in blocks(page) if not language).replace("\\\n", " ")
    for line in re.findall(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(lethe (?!\.\.).*)$", code, re.M):
        said = re.sub(r"(\w)\|\S+", r"\1", re.split(r"\s+[#|>]", line)[0]).split()
        path = next((path for n in (4, 3, 2) if (path := " ".join(said[:n])) in COMMANDS), None)
        assert path, line
        options = {name for one in COMMANDS[path].params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        used = {word.split("=")[0] for word in said if re.match(r"--\w", word)}
        assert used <= options, line


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_data_or_python_can_be_read(page: str) -> None:
    readers = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": yaml.safe_load,
        "python": lambda code: compile(code, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT),
    }
    for language, body in blocks(page):
        readers.get(language, str)(body)


def test_the_worked_example_of_the_restriction_prints_what_its_page_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, printed = re.findall(r"```(?:python|text)\n(.*?)```", text("docs/restriction.md"), re.S)
    exec(compile(code, "docs/restriction.md", "exec"), {})
    assert capsys.readouterr().out == printed
