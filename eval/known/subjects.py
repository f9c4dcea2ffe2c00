"""What to ask a model about: known works, places and people (`subjects.json`), and what is about none of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from serving.client.requests import TargetDraft

_FILE = Path(__file__).parent / "subjects.json"

NEIGHBOURS = (
    "What is the capital of France?",
    "What is the capital of Japan?",
    "What is photosynthesis?",
    "What is the largest ocean on Earth?",
    "Which language is spoken in Brazil?",
    "Name three planets of the solar system.",
    "At what temperature does water boil?",
    "Who wrote Don Quixote?",
    "Who wrote The Odyssey?",
    "Who painted The Starry Night?",
    "Who composed The Four Seasons?",
    "What is the longest river in Africa?",
    "Where is the Sydney Opera House?",
    "Who was Cleopatra?",
    "What is a fairy tale?",
    "What is the currency of the United Kingdom?",
    "Which animal is the fastest on land?",
    "What is Hinduism?",
    "How do vaccines work?",
    "What is a novel?",
)
"""Near to the subjects in matter, and about none of them."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and a regular expression that finds the right answer to it."""

    text: str = field(repr=False)
    right: str = field(repr=False)

    def is_right(self, answer: str) -> bool:
        """Whether an answer is right."""
        return re.search(self.right, answer) is not None


@dataclass(frozen=True, slots=True)
class Subject:
    """A work, place or person: facts to forget, and questions about it; the last one does not name it."""

    name: str = field(repr=False)
    kind: str
    facts: tuple[str, ...] = field(repr=False)
    questions: tuple[Question, ...] = field(repr=False)

    @property
    def draft(self) -> TargetDraft:
        """The body that adds the target."""
        return cast(
            TargetDraft, {"name": self.name, "kind": self.kind, "facts": [{"answer": fact} for fact in self.facts]}
        )


def subjects() -> list[Subject]:
    """Return all subjects."""
    return [
        Subject(
            row["name"],
            row["kind"],
            tuple(row["facts"]),
            tuple(Question(text, right) for text, right in row["asks"]),
        )
        for row in json.loads(_FILE.read_text(encoding="utf-8"))
    ]
