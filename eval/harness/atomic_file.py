"""Atomic writing of a result's files."""

from __future__ import annotations

from pathlib import Path

from eval.core.errors import BadRun
from guard.files import write_atomically


def write_result(path: Path, content: str) -> None:
    """Replace the file atomically, creating its folder; raises BadRun when the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content, durable=False, private=False)
    except OSError as error:
        raise BadRun(f"{path}: cannot be written ({error.strerror})") from None
