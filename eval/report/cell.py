"""One number of a table, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, or None and the reason in `note`; a note on a value says what must be known to read it."""

    value: float | None
    note: str = ""

    @property
    def text(self) -> str:
        """The value in a table: four digits that matter; the reason where there is none."""
        if self.value is None:
            return "—"
        return shown(self.value)

    def json(self) -> dict[str, object]:
        """The cell of results.json."""
        return {"value": self.value, "note": self.note}


class Count(Cell):
    """A whole number of things."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """The number in a table."""
        return f"{self.value:.0f}"


def shown(value: float) -> str:
    """A number with three decimals, or in scientific notation where those would hide it."""
    return f"{value:.2e}" if value and abs(value) < 1e-3 else f"{value:.3f}"


def cell(compute: Callable[[], float], note: str = "") -> Cell:
    """The cell of a computation; a result that is not finite becomes a reason."""
    value = float(compute())
    if math.isfinite(value):
        return Cell(value, note)
    reason = "undefined" if math.isnan(value) else "infinite"
    return Cell(None, f"{reason}: {note}" if note else reason)
