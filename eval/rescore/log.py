"""A log file as JSON, and the aggregates recomputed from it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from eval.core.errors import BadLog
from eval.core.json_cursor import JsonCursor, read_text


@dataclass(slots=True)
class Scores:
    """Aggregates under the names of the reference summary, and notes on what was left out or assumed."""

    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_log(path: Path) -> JsonCursor:
    """Return the root of a `.json` or `.json.gz` file. Raises BadLog if it cannot be read or is not JSON."""
    text = read_text(path, BadLog)
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" ({error.msg}, line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadLog(f"{path}: not JSON{where}") from None
    return JsonCursor(str(path), value, BadLog)
