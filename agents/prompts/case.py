"""The exchange that the roles look at: what was asked, what was said before, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.prompts.quotation import Data
from guard.targets.target import ForgetTarget, Kind
from guard.text.conversation import Message


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


ALIASES = 5
FACTS = 3
FACT_CHARS = 160


@dataclass(frozen=True, slots=True)
class Subject:
    """A forget target as the roles see it.

    `confined`: no text that touches it may be sent to a second provider.
    """

    id: str
    name: str = field(repr=False)
    aliases: tuple[str, ...] = field(default=(), repr=False)
    facts: tuple[str, ...] = field(default=(), repr=False)
    confined: bool = False


def subject_of(target: ForgetTarget) -> Subject:
    """Return the subject of `target`: its name, first aliases and first facts, shortened.

    A secret has no facts here, as no role needs its value, and is confined unless its operator has it shared.
    """
    draft = target.draft
    secret = draft.kind is Kind.SECRET
    told = (" ".join(filter(None, (fact.question, fact.answer))) for fact in draft.facts[:FACTS])
    facts = () if secret else tuple(text[:FACT_CHARS] for text in told)
    return Subject(target.id, draft.name, draft.aliases[:ALIASES], facts, confined=secret and not draft.shared)
