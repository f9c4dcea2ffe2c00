"""A plain question with its answer, as TOFU, MUSE and WPU all have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from eval.benchmarks.rows import read_rows


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its right answer."""

    question: str = field(repr=False)
    answer: str = field(repr=False)


def load_questions(path: Path) -> tuple[Question, ...]:
    """The rows of a file with `question` and `answer`; raises BadBenchmark naming file and line."""
    return tuple(Question(row.member("question").text(), row.member("answer").text()) for row in read_rows(path))
