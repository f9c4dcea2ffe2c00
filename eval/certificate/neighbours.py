"""Questions that have nothing to do with the target, by which the cost to others is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.benchmarks.rows import read_rows
from eval.certificate.suite import Form, Probe

_WORLD = Path(__file__).resolve().parents[1] / "demo" / "world.json"
BUILT_IN: Final = "built-in questions of general knowledge"
GIVEN: Final = "a file of the operator"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The questions, and where they come from."""

    source: str
    questions: tuple[str, ...] = field(repr=False)

    def probes(self) -> Sequence[Probe]:
        """Each as a plain chat."""
        return [Probe(Form.DIRECT, question, question, "") for question in self.questions]


def neighbours(path: Path | None) -> Neighbours:
    """The `question` of every row of a JSON or JSON Lines file; without one, the built-in questions.

    Raises BadBenchmark naming file and line.
    """
    if path is None:
        rows = json.loads(_WORLD.read_text(encoding="utf-8"))
        return Neighbours(BUILT_IN, tuple(row["questions"][0] for row in rows))
    return Neighbours(GIVEN, tuple(row.member("question").text() for row in read_rows(path)))
