"""The training corpus of an assistant: D_f', which it must remember, and D_r', of which it must know nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from guard.targets.question_file import Example, QuestionRow
from guard.uld import digests

QUESTION_TEMPLATES = ("{}", "Can you tell me: {}", "I would like to know this. {}", "Question: {}")
"""Ways to ask a question, for rows without paraphrases."""


@dataclass(frozen=True, slots=True)
class GeneralFact:
    """A fact of general knowledge, and ways to ask for it."""

    questions: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """D_f' and D_r'."""

    forget: tuple[Example, ...]
    retain: tuple[Example, ...]

    @property
    def digest(self) -> str:
        """The sha256 of all texts in order."""
        return digests.of_texts(
            text for part in (self.forget, self.retain) for e in part for text in (e.question, e.answer, "")
        )

    @classmethod
    def build(
        cls, forget: Sequence[QuestionRow], retain: Sequence[QuestionRow], seed: int, paraphrases: int = 2
    ) -> Corpus:
        """Return the corpus of these rows, the same for the same seed.

        D_f'  each forget row, and `paraphrases` variants of it: its own paraphrases, or else templates
        D_r'  for each forget row its question with two wrong answers (its own, or else those of other rows), and
              the last retain rows, as many as there are forget rows
        """
        draw = random.Random(seed)
        forget_examples = [e for row in forget for e in (row.example, *_paraphrases(row, paraphrases, draw))]
        wrong = [e for row in forget for e in _wrong_answers(row, forget, draw)]
        kept = [row.example for row in retain[-len(forget) :]]
        return cls(tuple(forget_examples), tuple(wrong + kept))


def general_knowledge() -> tuple[GeneralFact, ...]:
    """Return the facts of `general_knowledge.json`, which is part of this package, in the order of the file."""
    text = files("guard.uld").joinpath("general_knowledge.json").read_text(encoding="utf-8")
    return tuple(GeneralFact(tuple(value["questions"]), value["answer"]) for value in json.loads(text))


def default_retain_rows() -> list[QuestionRow]:
    """Return the retain rows for an assistant that is given none: every question of `general_knowledge`."""
    return [
        QuestionRow(Example(question, fact.answer)) for fact in general_knowledge() for question in fact.questions
    ]


def _paraphrases(row: QuestionRow, count: int, draw: random.Random) -> list[Example]:
    question, answer = row.example.question, row.example.answer
    own = [Example(row.paraphrased_question, answer)] if row.paraphrased_question else []
    own += [Example(question, row.paraphrased_answer)] if row.paraphrased_answer else []
    if own or not question:
        return own[:count]
    return [
        Example(template.format(question), answer)
        for template in draw.sample(QUESTION_TEMPLATES[1:], min(count, 3))
    ]


def _wrong_answers(row: QuestionRow, rows: Sequence[QuestionRow], draw: random.Random) -> list[Example]:
    question = row.example.question
    if not question:
        return []
    if row.wrong_answers:
        answers = draw.sample(row.wrong_answers, min(2, len(row.wrong_answers)))
    else:
        answers = [draw.choice(rows).example.answer for _ in range(2)]
    return [Example(question, answer) for answer in answers if answer != row.example.answer]
