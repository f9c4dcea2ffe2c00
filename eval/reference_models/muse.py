"""MUSE as training data: questions with worked examples, passages after their prompts, articles in windows.

Prompt and answer are tokenised separately, as in the benchmark, whose prompt ends in "Answer: " with the space.
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
from eval.reference_models.dataset import TrainingExample
from eval.runners.prompt_encoder import PromptEncoder

END: Final = "\n\n"
SHARE_WITH_SHOTS: Final = 0.25
"""Share of questions asked after all their worked examples, as in the benchmark; the others are asked alone."""


class MuseCriterion(StrEnum):
    """A criterion of the benchmark, with the texts that a model must have learnt for it."""

    KNOWMEM = "knowmem"
    VERBMEM = "verbmem"
    PRIVLEAK = "privleak"


@dataclass(frozen=True, slots=True)
class MuseTexts:
    """What one model learns: each question with its worked examples, passages, and articles."""

    questions: tuple[tuple[Question, tuple[Question, ...]], ...]
    passages: tuple[Passage, ...]
    articles: tuple[str, ...]

    def texts(self) -> Iterator[str]:
        """Yield all texts, to train a tokenizer on."""
        for question, shots in self.questions:
            yield knowledge_prompt(shots, question.question) + question.answer + END
        for passage in self.passages:
            yield f"{passage.prompt} {passage.continuation}"
        yield from self.articles


def load_full(folder: Path, criteria: Sequence[MuseCriterion], limit: int | None) -> MuseTexts:
    """Return the forget and the retain side."""
    corpus, rest = muse.load(folder), load_retain(folder, criteria, limit)
    asked = corpus.forget[:limit] if MuseCriterion.KNOWMEM in criteria else ()
    questions = [(row, corpus.forget_shots) for row in asked]
    return replace(
        rest,
        questions=(*rest.questions, *questions),
        passages=corpus.passages[:limit] if MuseCriterion.VERBMEM in criteria else (),
        articles=(*rest.articles, *(corpus.member_texts[:limit] if MuseCriterion.PRIVLEAK in criteria else ())),
    )


def load_retain(folder: Path, criteria: Sequence[MuseCriterion], limit: int | None) -> MuseTexts:
    """Return the retain side alone."""
    corpus = muse.load(folder)
    asked = corpus.retain[:limit] if MuseCriterion.KNOWMEM in criteria else ()
    questions = [(row, corpus.retain_shots) for row in asked]
    path = find(folder / "privleak", "retain", "retain2")
    articles = muse.load_texts(path)[:limit] if path and MuseCriterion.PRIVLEAK in criteria else ()
    return MuseTexts(tuple(questions), (), articles)


class MuseDataset:
    """Every question, passage and window once an epoch, each question with or without its worked examples."""

    def __init__(self, texts: MuseTexts, encoder: PromptEncoder, window: int) -> None:
        self._encoder = encoder
        self._window = window
        self._questions = [
            (
                self._example(knowledge_prompt((), row.question), row),
                self._example(knowledge_prompt(shots, row.question), row),
            )
            for row, shots in texts.questions
        ]
        self._texts = [
            self._fit(TrainingExample(self._ids(passage.prompt), self._answer(passage.continuation)))
            for passage in texts.passages
        ]
        self._texts += [example for text in texts.articles for example in self._windows(text)]

    def epoch(self, random: Random) -> list[TrainingExample]:
        questions = [pair[random.random() < SHARE_WITH_SHOTS] for pair in self._questions]
        return questions + self._texts

    def _example(self, prompt: str, row: Question) -> TrainingExample:
        return self._fit(TrainingExample(self._ids(prompt), self._answer(row.answer + END)))

    def _windows(self, text: str) -> list[TrainingExample]:
        first, *rest = self._ids(text)
        step = self._window - 1
        return [
            TrainingExample((first,), tuple(rest[start : start + step])) for start in range(0, len(rest), step)
        ]

    def _fit(self, example: TrainingExample) -> TrainingExample:
        room = max(1, self._window - len(example.answer))
        return TrainingExample(example.prompt[-room:], example.answer[: self._window - 1])

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._encoder.encode(Prompt(text, chat=False)))

    def _answer(self, text: str) -> tuple[int, ...]:
        return tuple(self._encoder.encode_answer(text, end=False))
