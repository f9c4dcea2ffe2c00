"""Cells of a report's tables: a number, or the reason why there is none; and which columns a table has."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, or None with the reason in `note`; a note on a value says what must be known to read it."""

    value: float | None
    note: str = ""

    @property
    def text(self) -> str:
        """Return the value as it stands in a table; a dash where there is none."""
        if self.value is None:
            return "—"
        return shown(self.value)

    def json(self) -> dict[str, object]:
        """Return the cell of results.json."""
        return {"value": self.value, "note": self.note}


class Count(Cell):
    """A cell that counts."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """Return the number as it stands in a table."""
        return f"{self.value:.0f}"


Cells = dict[str, Cell]
"""The cells of one run, by metric."""

NO_SAMPLES = Cell(None, "no samples")


class ColumnGroup(NamedTuple):
    """A table of a report: its title, and heading -> metric of each column."""

    title: str
    columns: dict[str, str]


def shown(value: float) -> str:
    """Return a number with three decimals, or in scientific notation where it is below 0.001."""
    return f"{value:.2e}" if value and abs(value) < 1e-3 else f"{value:.3f}"


def cell(compute: Callable[[], float], note: str = "") -> Cell:
    """Return the cell of a computation; a result that is not finite becomes a reason."""
    value = float(compute())
    if math.isfinite(value):
        return Cell(value, note)
    reason = "undefined" if math.isnan(value) else "infinite"
    return Cell(None, f"{reason}: {note}" if note else reason)
