"""results.json: configuration, and every cell of every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eval.core.cell import Cell

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Results:
    """The tables of a replay: by table (a convention), by run, by metric; documented in docs/eval.md."""

    config: Mapping[str, Any]
    command: str
    seconds: float
    samples: Mapping[str, int]
    tables: Mapping[str, Mapping[str, Mapping[str, Cell]]]

    def json(self) -> dict[str, Any]:
        """Return the document of results.json."""
        tables = {
            table: {run: {name: cell.json() for name, cell in cells.items()} for run, cells in runs.items()}
            for table, runs in self.tables.items()
        }
        return {
            "schema": SCHEMA,
            "command": self.command,
            "seconds": round(self.seconds, 1),
            "config": dict(self.config),
            "samples": dict(self.samples),
            "tables": tables,
        }
