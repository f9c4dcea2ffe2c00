"""Rows of a benchmark file: JSON Lines or one JSON array, under any name.

The published TOFU files are JSON Lines named `.json`, except three that are arrays; so the content decides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder
from pathlib import Path

from eval.core.errors import BadBenchmark
from eval.core.json_cursor import JsonCursor, read_text

_JSON_SPACE = " \t\r\n"
_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")


def read_rows(path: Path) -> list[JsonCursor]:
    """Return the rows in order, each with file and line; raises BadBenchmark for a bad row, or without any."""
    text = read_text(path, BadBenchmark)
    start = _skip_space(text, 0)
    rows = _array(path, text, start) if text.startswith("[", start) else _lines(path, text)
    if not rows:
        raise BadBenchmark(f"{path}: no rows")
    return rows


def find(folder: Path, *names: str) -> Path | None:
    """Return the file with the first of these names in the folder, with any of the usual suffixes, or None."""
    candidates = (folder / f"{name}{suffix}" for name in names for suffix in _SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def need(folder: Path, *names: str) -> Path:
    """Return what `find` does; raises BadBenchmark where there is none."""
    path = find(folder, *names)
    if path is None:
        raise BadBenchmark(f"{folder}: no file {' or '.join(names)} (.json or .jsonl)")
    return path


def _bad(path: Path, line: int, reason: str) -> BadBenchmark:
    return BadBenchmark(f"{path}:{line}: {reason}")


def _row(path: Path, line: int, value: object) -> JsonCursor:
    return JsonCursor(f"{path}:{line}", value, BadBenchmark)


def _lines(path: Path, text: str) -> list[JsonCursor]:
    rows: list[JsonCursor] = []
    # Only "\n" ends a line: other Unicode line ends may stand inside a JSON string.
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip(_JSON_SPACE):
            continue
        try:
            rows.append(_row(path, line, json.loads(content)))
        except JSONDecodeError as error:
            raise _bad(path, line, f"not JSON ({error.msg}, column {error.colno})") from None
    return rows


def _array(path: Path, text: str, start: int) -> list[JsonCursor]:
    decoder = JSONDecoder()
    rows: list[JsonCursor] = []
    line, counted = 1, 0
    position = _skip_space(text, start + 1)
    while not text.startswith("]", position):
        try:
            value, end = decoder.raw_decode(text, position)
        except JSONDecodeError as error:
            raise _bad(path, error.lineno, f"not JSON ({error.msg}, column {error.colno})") from None
        line, counted = line + text.count("\n", counted, position), position
        rows.append(_row(path, line, value))
        position = _skip_space(text, end)
        if text.startswith(",", position):
            position = _skip_space(text, position + 1)
        elif not text.startswith("]", position):
            raise _bad(path, text.count("\n", 0, position) + 1, "not JSON (',' or ']' expected)")
    if _skip_space(text, position + 1) != len(text):
        raise _bad(path, text.count("\n", 0, position) + 1, "text after the array")
    return rows


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in _JSON_SPACE:
        position += 1
    return position


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its right answer."""

    question: str = field(repr=False)
    answer: str = field(repr=False)


def load_questions(path: Path) -> tuple[Question, ...]:
    """Return the rows of a file with `question` and `answer`; raises BadBenchmark naming file and line."""
    return tuple(Question(row.member("question").text(), row.member("answer").text()) for row in read_rows(path))
