"""What the prompts of the roles contain: the exchange, summaries of the targets, and candidate answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.prompts.quotation import Data
from guard.targets.target import ForgetTarget, Kind
from guard.text.conversation import Message


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, the other turns of its conversation, and the model's own answer."""

    question: str = field(repr=False)
    answer: str = field(repr=False)
    earlier: tuple[Message, ...] = ()

    @property
    def data(self) -> dict[str, Data]:
        """The exchange without its answer, as prompt data."""
        earlier = [{"role": message.role, "text": message.text} for message in self.earlier]
        return {"earlier": earlier, "question": self.question}


def exchange_of(conversation: Sequence[Message], answer: str) -> Exchange:
    """Return the exchange of a conversation and its `answer`; the question is the last user (or last) turn."""
    last_user = max((k for k, message in enumerate(conversation) if message.role == "user"), default=-1)
    question = conversation[last_user].text if conversation else ""
    earlier = (
        (*conversation[:last_user], *conversation[last_user + 1 :]) if last_user >= 0 else tuple(conversation[:-1])
    )
    return Exchange(question, answer, earlier)


def list_subjects(subjects: Sequence[TargetSummary], *, facts: bool) -> list[Data]:
    """Return the numbered targets for a prompt, without members that are empty."""
    return [_list_subject(number, subject, facts) for number, subject in enumerate(subjects, 1)]


def number_texts(texts: Sequence[str]) -> list[Data]:
    """Return the numbered list of candidate answers for a prompt."""
    return [{"n": number, "text": text} for number, text in enumerate(texts, 1)]


def _list_subject(number: int, subject: TargetSummary, facts: bool) -> dict[str, Data]:
    known: dict[str, Data] = {"n": number, "name": subject.name}
    if subject.aliases:
        known["also"] = list(subject.aliases)
    if facts and subject.facts:
        known["facts"] = list(subject.facts)
    return known


MAX_ALIASES = 5
MAX_FACTS = 3
MAX_FACT_CHARS = 160


@dataclass(frozen=True, slots=True)
class TargetSummary:
    """A forget target as the prompts describe it, where it is called a subject.

    `confined`: no text that touches it may be sent to a second provider.
    """

    id: str
    name: str = field(repr=False)
    aliases: tuple[str, ...] = field(default=(), repr=False)
    facts: tuple[str, ...] = field(default=(), repr=False)
    confined: bool = False


def summary_of(target: ForgetTarget) -> TargetSummary:
    """Return the summary of `target`: its name, first aliases and first facts, truncated.

    A secret has no facts here, as no role needs its value, and is confined unless the operator has shared it.
    """
    draft = target.draft
    secret = draft.kind is Kind.SECRET
    texts = (" ".join(filter(None, (fact.question, fact.answer))) for fact in draft.facts[:MAX_FACTS])
    facts = () if secret else tuple(text[:MAX_FACT_CHARS] for text in texts)
    return TargetSummary(
        target.id, draft.name, draft.aliases[:MAX_ALIASES], facts, confined=secret and not draft.shared
    )
