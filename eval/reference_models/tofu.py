"""TOFU as a course: questions as chats, each answer with its end of sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from eval.benchmarks.files import Question, load_questions, need
from eval.benchmarks.tofu import ForgetSplit
from eval.core.prompt import Prompt
from eval.reference_models.lesson import Lesson
from eval.runners.prompt_encoder import PromptEncoder

RETAIN: Final = {"forget01": "retain99", "forget05": "retain95", "forget10": "retain90"}


class Rows(NamedTuple):
    """What the full model learns, and what the retain model does: real authors and world facts are in both."""

    full: tuple[Question, ...]
    retain: tuple[Question, ...]


def rows(folder: Path, split: ForgetSplit, limit: int | None) -> Rows:
    """The first `limit` rows of each file; raises BadBenchmark naming the file or line."""
    names = (RETAIN[split], "real_authors", "world_facts")
    retain = tuple(row for name in names for row in load_questions(need(folder, name))[:limit])
    return Rows((*retain, *load_questions(need(folder, split))[:limit]), retain)


def texts(questions: Sequence[Question]) -> Iterator[str]:
    """All text, for a tokenizer to learn from."""
    for row in questions:
        yield row.question
        yield row.answer


class TofuCourse:
    """Every question once an epoch."""

    def __init__(self, questions: Sequence[Question], encoder: PromptEncoder) -> None:
        self._lessons = [
            Lesson(tuple(encoder.encode(Prompt(row.question))), tuple(encoder.encode_answer(row.answer, end=True)))
            for row in questions
        ]

    def epoch(self, random: Random) -> list[Lesson]:
        return list(self._lessons)
