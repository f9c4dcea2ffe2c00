"""A log file as JSON, and the aggregates recomputed from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.core.errors import BadLog
from eval.core.json_cursor import JsonCursor, read_text


@dataclass(slots=True)
class Scores:
    """Aggregates under the names of the reference summary, and notes on what was left out or assumed."""

    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def refuse_same(log: Path, retain_log: Path) -> None:
    """Raise BadLog if both are one log, or one holds a copy of the other: it would agree with itself."""
    # A path that cannot be read is told by whoever reads it.
    if not log.exists() or not retain_log.exists():
        return
    if log.samefile(retain_log) or _are_copies(_members(log), _members(retain_log)):
        raise BadLog(
            f"{retain_log}: the retain log is the log itself; give that of a model that never saw the data"
        )


def _are_copies(members: Mapping[str, str], others: Mapping[str, str]) -> bool:
    common = members.keys() & others.keys()
    return bool(common) and all(members[name] == others[name] for name in common)


def _members(path: Path) -> dict[str, str]:
    """Return the members of a file, or the files of a folder, in one spelling and without summaries."""
    if path.is_dir():
        value: Any = {str(file.relative_to(path)): read_log(file).value for file in path.rglob("*.json")}
    else:
        value = read_log(path).value
    named = value if isinstance(value, dict) else {"": value}
    spelt = {name: json.dumps(_without_summary(member), sort_keys=True) for name, member in named.items()}
    return {name: text for name, text in spelt.items() if text not in ("{}", "[]", "null")}


def _without_summary(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_summary(member) for key, member in value.items() if key != "agg_value"}
    return [_without_summary(member) for member in value] if isinstance(value, list) else value


def read_log(path: Path) -> JsonCursor:
    """Return the root of a `.json` or `.json.gz` file. Raises BadLog if it cannot be read or is not JSON."""
    text = read_text(path, BadLog)
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" ({error.msg}, line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadLog(f"{path}: not JSON{where}") from None
    return JsonCursor(str(path), value, BadLog)
