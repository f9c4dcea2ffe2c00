"""What an assistant is trained on: D_f', which it must remember, and D_r', on which it must know nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from guard.errors import InvalidTarget
from guard.target import Draft
from guard.uld import digests

ASKED = ("{}", "Can you tell me: {}", "I would like to know this. {}", "Question: {}")
"""Ways to put a question, for rows that bring no paraphrases."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question and an answer; a plain text has no question."""

    question: str = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """An example as a file has it, with what the file has of other wordings and of wrong answers."""

    example: Example
    paraphrased_question: str = field(default="", repr=False)
    paraphrased_answer: str = field(default="", repr=False)
    wrong_answers: tuple[str, ...] = field(default=(), repr=False)


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


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file: JSON Lines or a JSON array of questions and answers, or of forget targets.

    Of a question: `question`, `answer`, and where there are any `paraphrased_question`, `paraphrased_answer`,
    `perturbed_answer` (TOFU's names). Of a target: its `facts` and `passages`. Raises InvalidTarget.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
        values = (
            json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.split("\n") if line]
        )
        rows = [row for value in values for row in _rows(value)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidTarget(f"the file of training texts is not readable: {type(error).__name__}") from None
    if not rows:
        raise InvalidTarget("the file of training texts has no rows")
    return rows


def rows_of_target(draft: Draft) -> list[Row]:
    """Return the rows of a forget target: its facts and its passages; none when it has but names and phrases."""
    facts = [Row(Example(fact.question, fact.answer)) for fact in draft.facts]
    return facts + [Row(Example("", passage)) for passage in draft.passages]


def _rows(value: dict[str, Any]) -> Iterator[Row]:
    if "answer" in value:
        yield Row(
            Example(str(value.get("question", "")), str(value["answer"])),
            str(value.get("paraphrased_question") or ""),
            str(value.get("paraphrased_answer") or ""),
            tuple(map(str, value.get("perturbed_answer", ()))),
        )
        return
    for fact in value.get("facts", ()):
        yield Row(Example(str(fact.get("question", "")), str(fact["answer"])))
    for passage in value.get("passages", ()):
        yield Row(Example("", str(passage)))


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
