"""Questions unrelated to the target, which measure the cost of its suppression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.benchmarks.files import read_rows
from eval.certificate.probes import CertificateProbe, ProbeForm
from guard.uld.corpus import general_knowledge

BUILT_IN: Final = "built-in questions of general knowledge"
GIVEN: Final = "a file of the operator"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbour questions, and where they come from."""

    source: str
    questions: tuple[str, ...] = field(repr=False)

    def probes(self) -> Sequence[CertificateProbe]:
        """Return each question as a plain chat."""
        return [CertificateProbe(ProbeForm.DIRECT, question, question, "") for question in self.questions]


def load_neighbours(path: Path | None) -> Neighbours:
    """Return the `question` of every row of a JSON or JSON Lines file; without a file, the built-in questions.

    Raises BadBenchmark naming file and line.
    """
    if path is None:
        return Neighbours(BUILT_IN, tuple(fact.questions[0] for fact in general_knowledge()))
    return Neighbours(GIVEN, tuple(row.member("question").text() for row in read_rows(path)))
