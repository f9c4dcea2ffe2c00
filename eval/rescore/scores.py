"""Named aggregates, and what must be said about them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Scores:
    """Aggregates under a reference summary's own names, and notes on what was left out or assumed."""

    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
