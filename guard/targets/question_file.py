"""Questions and answers from a file (JSON or JSON Lines) or from a forget target."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.errors import InvalidTarget
from guard.targets.target import Draft


@dataclass(frozen=True, slots=True)
class Example:
    """A question and an answer; for a plain text the question is empty."""

    question: str = field(repr=False)
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """An example with the paraphrases and wrong answers that its file has."""

    example: Example
    paraphrased_question: str = field(default="", repr=False)
    paraphrased_answer: str = field(default="", repr=False)
    wrong_answers: tuple[str, ...] = field(default=(), repr=False)


def read_rows(path: Path) -> list[QuestionRow]:
    """Return the rows of a file: JSON Lines or a JSON array of questions and answers, or of forget targets.

    Members of a question: `question`, `answer`, and optionally `paraphrased_question`, `paraphrased_answer`,
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


def rows_of_target(draft: Draft) -> list[QuestionRow]:
    """Return the rows of a forget target: its facts and its passages; none if it has only names and phrases."""
    facts = [QuestionRow(Example(fact.question, fact.answer)) for fact in draft.facts]
    return facts + [QuestionRow(Example("", passage)) for passage in draft.passages]


def _rows(value: dict[str, Any]) -> Iterator[QuestionRow]:
    if "answer" in value:
        yield QuestionRow(
            Example(str(value.get("question", "")), str(value["answer"])),
            str(value.get("paraphrased_question") or ""),
            str(value.get("paraphrased_answer") or ""),
            tuple(map(str, value.get("perturbed_answer", ()))),
        )
        return
    for fact in value.get("facts", ()):
        yield QuestionRow(Example(str(fact.get("question", "")), str(fact["answer"])))
    for passage in value.get("passages", ()):
        yield QuestionRow(Example("", str(passage)))
