"""How an engine rearranges the rows of its batch."""

from __future__ import annotations

from typing import TypeVar

Row = TypeVar("Row")


def move(rows: dict[int, Row], source: int, target: int, *, swap: bool) -> None:
    """Move a row onto another index, in place; what stood there is dropped, or changes places with it."""
    moved = {i: rows[j] for i, j in ((target, source), (source, target)) if j in rows}
    if not swap:
        moved.pop(source, None)
    rows.pop(source, None)
    rows.pop(target, None)
    rows |= moved
