"""The batch row table: the rows of an engine's batch by index, following the engine's moves."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from typing import Generic, NamedTuple, Self, TypeVar

Row = TypeVar("Row")

_log = logging.getLogger(__name__)


class LogitsRow(NamedTuple):
    """A row of logits of a step: the index of its request, and the draft tokens that it comes after.

    Without speculative decoding a request has one row of logits a step, and no drafts. With it, one more for each
    draft token, which is not yet part of the output.
    """

    request: int
    drafts: tuple[int, ...] = ()


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

    def expanded(self, logits_rows: Sequence[LogitsRow]) -> Self:
        """Return the table of these rows of logits, by their position; a draft without an id closes its row."""
        table = copy.copy(self)
        table.rows = {}
        for position, (request, drafts) in enumerate(logits_rows):
            if request in self.rows:
                row = self.rows[request]
                readable = row is not None and all(token >= 0 for token in drafts)
                table.rows[position] = self._after(row, drafts) if row is not None and readable else None
        return table

    def _after(self, row: Row, drafts: tuple[int, ...]) -> Row:
        """Return a row as it is after draft tokens; the row itself stays as it is."""
        return row
