"""Questions that have nothing to do with the target, by which the cost to others is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.benchmarks.files import read_rows
from eval.certificate.suite import Form, Probe
from guard.uld.corpus import general_knowledge

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
        return Neighbours(BUILT_IN, tuple(fact.questions[0] for fact in general_knowledge()))
    return Neighbours(GIVEN, tuple(row.member("question").text() for row in read_rows(path)))
