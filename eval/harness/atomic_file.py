"""A result's file: there whole, or as it was before."""

from __future__ import annotations

from pathlib import Path

from eval.core.errors import BadRun


def write_whole(path: Path, content: str) -> None:
    """Replace the file, whole or not at all, making its folder; raises BadRun when the disk refuses."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BadRun(f"{path}: cannot be written ({error.strerror})") from None
