"""The exchange that the roles look at: what was asked, what was said before, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.quotation import Data
from agents.subject import Subject
from guard.conversation import Message


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the turns around it, and the model's own answer."""

    question: str = field(repr=False)
    answer: str = field(repr=False)
    earlier: tuple[Message, ...] = ()

    @property
    def data(self) -> dict[str, Data]:
        """The exchange without its answer, as the roles are given it."""
        earlier = [{"role": message.role, "text": message.text} for message in self.earlier]
        return {"earlier": earlier, "question": self.question}


def case_of(conversation: Sequence[Message], answer: str) -> Case:
    """Return the case of `answer` to a conversation; the question is the last user turn, or the last turn."""
    asked = max((k for k, message in enumerate(conversation) if message.role == "user"), default=-1)
    question = conversation[asked].text if conversation else ""
    earlier = (*conversation[:asked], *conversation[asked + 1 :]) if asked >= 0 else tuple(conversation[:-1])
    return Case(question, answer, earlier)


def listed(subjects: Sequence[Subject], *, facts: bool) -> list[Data]:
    """Return the numbered list of `subjects` for a prompt; what a subject does not have is left out."""
    return [_listed(number, subject, facts) for number, subject in enumerate(subjects, 1)]


def numbered(texts: Sequence[str]) -> list[Data]:
    """Return the numbered list of candidate answers for a prompt."""
    return [{"n": number, "text": text} for number, text in enumerate(texts, 1)]


def _listed(number: int, subject: Subject, facts: bool) -> dict[str, Data]:
    known: dict[str, Data] = {"n": number, "name": subject.name}
    if subject.aliases:
        known["also"] = list(subject.aliases)
    if facts and subject.facts:
        known["facts"] = list(subject.facts)
    return known
