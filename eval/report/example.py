"""The same question under every run, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.core.sample import Key, Sample
from eval.core.task import Task

_EACH = 6


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the right answer, and what was said by run."""

    question: str = field(repr=False)
    gold: str = field(repr=False)
    answers: Mapping[str, str] = field(repr=False)


def examples(samples: Mapping[Key, Sample], runs: Sequence[str], tasks: Sequence[Task[Any]]) -> list[Example]:
    """Up to six of each set that is answered, evenly spread over it."""
    found: list[Example] = []
    for task in tasks:
        if not task.max_tokens:
            continue
        for index in range(0, len(task.items), max(1, len(task.items) // _EACH)):
            item = task.items[index]
            said = {run: samples.get(Key(run, task.name, index)) for run in runs}
            answers = {run: sample.text or "" for run, sample in said.items() if sample}
            found.append(Example(item.detector_text[-400:], item.gold, answers))
    return found
