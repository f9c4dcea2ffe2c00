"""Files of forget targets to import: JSON, a JSON list or JSON Lines, and CSV, in UTF-8."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FORMATS = 'in UTF-8: JSON Lines such as {"name": "Ada Quill"}, a JSON list of them, or CSV with a column name'
# Members of a target that the admin plane gives out and nobody sets.
READ_ONLY = frozenset(
    {
        "id",
        "state",
        "proposed",
        "revision",
        "created_at",
        "updated_at",
        "forbidden",
        "forbidden_variants",
        "reasons",
        "warnings",
    }
)
LIST_COLUMNS = frozenset(
    {"aliases", "phrases", "patterns", "exceptions", "distinguish", "methods", "facts", "passages", "tags"}
)
# What the admin plane takes at a time in a few seconds, and well within its bound on a body.
MAX_BATCH_ROWS = 1_000
MAX_BATCH_BYTES = 4 * 2**20
SEPARATOR = "|"  # between the members of a list in a cell of CSV


class Row(NamedTuple):
    """One target of a file: what is sent, and where in the file it is, as `row 3` or `line 3`."""

    draft: dict[str, Any]
    place: str


class UnreadableFile(Exception):
    """The file holds no targets that can be read; the message says where and what is expected."""


def read_rows(path: Path) -> list[Row]:
    """Return the targets of a file, without read-only members and those that have ended. Raises UnreadableFile.

    A byte order mark and any line end of a spreadsheet or an editor are passed over.
    """
    return parse_rows(read_text(path), is_csv=path.suffix.lower() == ".csv")


def parse_rows(text: str, *, is_csv: bool, columns: Mapping[str, str] | None = None) -> list[Row]:
    """Return the targets in a text as `read_rows` does. Raises UnreadableFile.

    columns  which member of a target a column of CSV stands for, "" for none; by default that of its name
    """
    try:
        return [
            Row({key: value for key, value in row.draft.items() if key not in READ_ONLY}, row.place)
            for row in (_csv_rows(text, columns or {}) if is_csv else _json_rows(text))
            if row.draft.get("state", "active") == "active"
        ]
    except csv.Error:
        raise UnreadableFile(f"a cell is longer than {csv.field_size_limit()} characters, or not closed") from None
    except RecursionError:
        raise UnreadableFile(f"nested too deeply. Read is text {FORMATS}") from None


def columns_of(text: str) -> list[str]:
    """Return the names of the columns of CSV, without those that have none."""
    try:
        return [name for name in _reader(text).fieldnames or () if name]
    except csv.Error:
        return []


def batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut rows into batches of at most MAX_BATCH_ROWS rows and, where a row allows it, MAX_BATCH_BYTES of JSON."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row.draft).encode()) + 1
        if batch and (len(batch) == MAX_BATCH_ROWS or size + length > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


def as_line(target: Mapping[str, Any]) -> str:
    """Return a target that the admin plane gave out as a line of JSON that `read_rows` takes back."""
    return json.dumps({key: value for key, value in target.items() if key not in READ_ONLY}, ensure_ascii=False)


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark. Raises UnreadableFile."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UnreadableFile(f"{path}, line {line}: not UTF-8. Read is text {FORMATS}") from None


def _json_rows(text: str) -> Iterator[Row]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        # One value that is not whole is no file of lines.
        if error.lineno > 1 and text.lstrip().startswith("["):
            raise UnreadableFile(f"line {error.lineno}: {error.msg}") from None
        return _json_lines(text)
    if isinstance(value, dict) and isinstance(value.get("targets"), list):
        value = value["targets"]
    members = value if isinstance(value, list) else [value]
    return (_row(member, f"row {number}") for number, member in enumerate(members, 1))


def _json_lines(text: str) -> Iterator[Row]:
    # Not splitlines, which also cuts at U+2028 and others that JSON strings hold.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _row(json.loads(line), f"line {number}")
        except json.JSONDecodeError as error:
            raise UnreadableFile(f"line {number}: {error.msg}. Read is text {FORMATS}") from None


def _row(value: object, place: str) -> Row:
    if not isinstance(value, dict):
        raise UnreadableFile(f"{place}: not a JSON object. Read is text {FORMATS}")
    return Row(value, place)


def _reader(text: str) -> csv.DictReader[str]:
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)


def _csv_rows(text: str, columns: Mapping[str, str]) -> Iterator[Row]:
    reader = _reader(text)
    meant = [columns.get(name, name) for name in reader.fieldnames or ()]
    if len(set(filter(None, meant))) < len([*filter(None, meant)]):
        raise UnreadableFile("line 1: two columns are the same member of a target")
    reader.fieldnames = meant
    if "name" not in meant:
        raise UnreadableFile("line 1: no column is called name. Its columns are the members of a target")
    for cells in reader:
        place = f"line {reader.line_num}"
        if None in cells or None in cells.values():
            raise UnreadableFile(f"{place}: not as many cells as columns")
        yield Row({key: _cell(key, cell) for key, cell in cells.items() if key and cell.strip()}, place)


def _cell(column: str, cell: str) -> Any:
    if column not in LIST_COLUMNS:
        return cell.strip()
    members = [member.strip() for member in cell.split(SEPARATOR) if member.strip()]
    if column == "facts":
        return [{"answer": member} for member in members]
    return [pattern_of(member) for member in members] if column == "patterns" else members


def pattern_of(text: str) -> dict[str, str]:
    """Return the pattern that `text` names as `kind=value` or `kind/country=value`."""
    label, _, value = text.partition("=")
    kind, _, country = label.partition("/")
    return {"kind": kind.strip(), "value": value.strip(), "country": country.strip()}
