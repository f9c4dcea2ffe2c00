"""The batch row table: the rows of an engine's batch by index, following the engine's moves."""

from __future__ import annotations

import logging
from typing import Generic, TypeVar

Row = TypeVar("Row")

_log = logging.getLogger(__name__)


class RowTable(Generic[Row]):
    """The rows that a processor acts on, by index; None for a closed row, which may only end."""

    def __init__(self) -> None:
        self.rows: dict[int, Row | None] = {}

    def close(self, index: int, error: Exception | None = None) -> None:
        """Allow a row only to end until it is dropped; only the type of an error is logged."""
        self.rows[index] = None
        if error is not None:
            _log.error("closed a row: %s", type(error).__name__)

    def drop(self, index: int) -> None:
        """Remove a row."""
        self.rows.pop(index, None)

    def move(self, source: int, target: int, *, swap: bool) -> None:
        """Move a row to another index; the row there is dropped, or swapped with it."""
        moved = {i: self.rows[j] for i, j in ((target, source), (source, target)) if j in self.rows}
        if not swap:
            moved.pop(source, None)
        self.rows.pop(source, None)
        self.rows.pop(target, None)
        self.rows |= moved
