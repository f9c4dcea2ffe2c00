"""MUSE as a course: questions behind their worked examples, passages behind their heads, articles in windows.

Prompt and answer are tokenised apart, as the benchmark does it: its prompt ends in "Answer: " with the space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Final

from eval.benchmarks import muse
from eval.benchmarks.files import Question, find
from eval.benchmarks.muse import Passage, knowledge_prompt
from eval.core.prompt import Prompt
from eval.reference_models.lesson import Lesson
from eval.runners.prompt_encoder import PromptEncoder

END: Final = "\n\n"
WITH_EXAMPLES: Final = 0.25
"""How often a question stands behind all its examples, as the benchmark asks it; else it stands alone."""


class Part(StrEnum):
    """A criterion of the benchmark, and the texts that a model must have learnt for it."""

    KNOWMEM = "knowmem"
    VERBMEM = "verbmem"
    PRIVLEAK = "privleak"


@dataclass(frozen=True, slots=True)
class Material:
    """What one model learns: each question with its examples, passages, and articles."""

    questions: tuple[tuple[Question, tuple[Question, ...]], ...]
    passages: tuple[Passage, ...]
    articles: tuple[str, ...]

    def texts(self) -> Iterator[str]:
        """All text, for a tokenizer to learn from."""
        for question, shots in self.questions:
            yield knowledge_prompt(shots, question.question) + question.answer + END
        for passage in self.passages:
            yield f"{passage.prompt} {passage.continuation}"
        yield from self.articles


def full(folder: Path, parts: Sequence[Part], limit: int | None) -> Material:
    """The forget and the retain side."""
    learnt, rest = muse.load(folder), retain(folder, parts, limit)
    questions = [(row, learnt.forget_shots) for row in learnt.forget[:limit]] if Part.KNOWMEM in parts else []
    return replace(
        rest,
        questions=(*rest.questions, *questions),
        passages=learnt.passages[:limit] if Part.VERBMEM in parts else (),
        articles=(*rest.articles, *(learnt.member_texts[:limit] if Part.PRIVLEAK in parts else ())),
    )


def retain(folder: Path, parts: Sequence[Part], limit: int | None) -> Material:
    """The retain side alone."""
    learnt = muse.load(folder)
    questions = [(row, learnt.retain_shots) for row in learnt.retain[:limit]] if Part.KNOWMEM in parts else []
    path = find(folder / "privleak", "retain", "retain2")
    articles = muse.load_texts(path)[:limit] if path and Part.PRIVLEAK in parts else ()
    return Material(tuple(questions), (), articles)


class MuseCourse:
    """Every question, passage and window once an epoch, each question with or without its examples."""

    def __init__(self, material: Material, encoder: PromptEncoder, window: int) -> None:
        self._encoder = encoder
        self._window = window
        self._questions = [
            (
                self._lesson(knowledge_prompt((), row.question), row),
                self._lesson(knowledge_prompt(shots, row.question), row),
            )
            for row, shots in material.questions
        ]
        self._texts = [
            self._fit(Lesson(self._ids(passage.prompt), self._answer(passage.continuation)))
            for passage in material.passages
        ]
        self._texts += [lesson for text in material.articles for lesson in self._windows(text)]

    def epoch(self, random: Random) -> list[Lesson]:
        asked = [pair[random.random() < WITH_EXAMPLES] for pair in self._questions]
        return asked + self._texts

    def _lesson(self, prompt: str, row: Question) -> Lesson:
        return self._fit(Lesson(self._ids(prompt), self._answer(row.answer + END)))

    def _windows(self, text: str) -> list[Lesson]:
        first, *rest = self._ids(text)
        step = self._window - 1
        return [Lesson((first,), tuple(rest[start : start + step])) for start in range(0, len(rest), step)]

    def _fit(self, lesson: Lesson) -> Lesson:
        room = max(1, self._window - len(lesson.answer))
        return Lesson(lesson.prompt[-room:], lesson.answer[: self._window - 1])

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._encoder.encode(Prompt(text, chat=False)))

    def _answer(self, text: str) -> tuple[int, ...]:
        return tuple(self._encoder.encode_answer(text, end=False))
