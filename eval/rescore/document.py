"""A log file as parsed JSON."""

from __future__ import annotations

import json
from pathlib import Path

from eval.core.errors import BadLog
from eval.core.json_cursor import JsonCursor, read_text


def read_log(path: Path) -> JsonCursor:
    """The root of a `.json` or `.json.gz` file; raises BadLog where it cannot be read or is not JSON."""
    text = read_text(path, BadLog)
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f" ({error.msg}, line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadLog(f"{path}: not JSON{where}") from None
    return JsonCursor(str(path), value, BadLog)
