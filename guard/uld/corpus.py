"""What an assistant is trained on: D_f', which it must remember, and D_r', on which it must know nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from guard.targets.question_file import Example, Row
from guard.uld import digests

ASKED = ("{}", "Can you tell me: {}", "I would like to know this. {}", "Question: {}")
"""Ways to put a question, for rows that bring no paraphrases."""


@dataclass(frozen=True, slots=True)
class GeneralFact:
    """A fact about the world that anybody may be told, and the ways to ask for it."""

    questions: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """D_f' and D_r'."""

    forget: tuple[Example, ...]
    retain: tuple[Example, ...]

    @property
    def digest(self) -> str:
        """A sha256 of all texts in order."""
        return digests.of_texts(
            text for part in (self.forget, self.retain) for e in part for text in (e.question, e.answer, "")
        )

    @classmethod
    def build(cls, forget: Sequence[Row], retain: Sequence[Row], seed: int, wordings: int = 2) -> Corpus:
        """Return the corpus of these rows, the same for the same seed.

        D_f'  each forget row as it is and in `wordings` further ones: its own paraphrases, or else templates
        D_r'  for each forget row its question with two wrong answers (its own, or else those of other rows), and
              as many retain rows, the last ones, as there are forget rows
        """
        draw = random.Random(seed)
        remembered = [e for row in forget for e in (row.example, *_reworded(row, wordings, draw))]
        wrong = [e for row in forget for e in _wrong(row, forget, draw)]
        kept = [row.example for row in retain[-len(forget) :]]
        return cls(tuple(remembered), tuple(wrong + kept))


def general_knowledge() -> tuple[GeneralFact, ...]:
    """Return the facts of `general_knowledge.json`, which is part of this package, in the order of the file."""
    text = files("guard.uld").joinpath("general_knowledge.json").read_text(encoding="utf-8")
    return tuple(GeneralFact(tuple(value["questions"]), value["answer"]) for value in json.loads(text))


def default_retain_rows() -> list[Row]:
    """Return the retain rows of an assistant that is given none: every question of `general_knowledge`."""
    return [Row(Example(question, fact.answer)) for fact in general_knowledge() for question in fact.questions]


def _reworded(row: Row, count: int, draw: random.Random) -> list[Example]:
    question, answer = row.example.question, row.example.answer
    own = [Example(row.paraphrased_question, answer)] if row.paraphrased_question else []
    own += [Example(question, row.paraphrased_answer)] if row.paraphrased_answer else []
    if own or not question:
        return own[:count]
    return [Example(asked.format(question), answer) for asked in draw.sample(ASKED[1:], min(count, 3))]


def _wrong(row: Row, rows: Sequence[Row], draw: random.Random) -> list[Example]:
    question = row.example.question
    if not question:
        return []
    if row.wrong_answers:
        answers = draw.sample(row.wrong_answers, min(2, len(row.wrong_answers)))
    else:
        answers = [draw.choice(rows).example.answer for _ in range(2)]
    return [Example(question, answer) for answer in answers if answer != row.example.answer]
