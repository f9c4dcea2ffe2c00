"""Rooms are small and say what they are for; the directions of imports are import-linter's, see pyproject.toml."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("guard", "agents", "serving", "eval")
MAX_FILES = 16  # modules in a package, its __init__.py among them
ROOMS = sorted(
    {file.parent.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py")}, key=str
)


def test_the_rooms_are_found() -> None:
    assert {*map(Path, PACKAGES), Path("guard/decoding"), Path("serving/protocol/dialects")} <= set(ROOMS)


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_says_what_it_is_for(room: Path) -> None:
    init = ROOT / room / "__init__.py"
    assert init.is_file(), f"{room} has modules and no __init__.py"
    docstring = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8")))
    assert docstring, f"{room}/__init__.py has no docstring that says what the room is for"


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_is_small_enough_to_be_seen_at_once(room: Path) -> None:
    files = list((ROOT / room).glob("*.py"))
    assert len(files) <= MAX_FILES, f"{room} has {len(files)} modules, more than {MAX_FILES}: split it by topic"


SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 55


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_and_its_functions_fit_on_few_screens(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) < MAX_FILE_LINES
    functions = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    long = {
        n.name: n.end_lineno - n.lineno + 1 for n in functions if n.end_lineno - n.lineno >= MAX_FUNCTION_LINES
    }
    assert long == {}
