"""What the agents are told of a forget target."""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.target import ForgetTarget, Kind

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
