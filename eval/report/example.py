"""The same question under every run, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eval.core.sample import Key, Sample
from eval.core.task import Task

MAX_EXAMPLES: Final = 6
"""Of each set."""
MAX_QUESTION_CHARS: Final = 400


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the right answer, and the answer of each run."""

    question: str = field(repr=False)
    gold: str = field(repr=False)
    answers: Mapping[str, str] = field(repr=False)


def examples(samples: Mapping[Key, Sample], runs: Sequence[str], tasks: Sequence[Task[Any]]) -> list[Example]:
    """Return examples of each set with generated answers, evenly spread over it."""
    found: list[Example] = []
    for task in tasks:
        if not task.max_tokens:
            continue
        for index in range(0, len(task.items), max(1, len(task.items) // MAX_EXAMPLES)):
            item = task.items[index]
            found_samples = {run: samples.get(Key(run, task.name, index)) for run in runs}
            answers = {run: sample.text or "" for run, sample in found_samples.items() if sample}
            found.append(Example(item.detector_text[-MAX_QUESTION_CHARS:], item.gold, answers))
    return found
