"""What a model was found to say of a target: proposals of facts, aliases and phrases, to be reviewed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from guard.targets.target import Draft, Fact
from guard.text.normalise import fold


class ProposalKind(StrEnum):
    """Which member of a target a proposal would become."""

    FACT = "fact"
    ALIAS = "alias"
    PHRASE = "phrase"


class Change(StrEnum):
    """Whether the model said it the last time too: `new`, `same`, or `gone` where it only did the last time."""

    NEW = "new"
    SAME = "same"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Something that the model says of a target.

    id        stable: of kind and text
    question  what a fact answers, empty for other kinds
    times     how many answers said it
    styles    the styles of the forms that it was said in
    """

    id: str
    kind: ProposalKind
    text: str = field(repr=False)
    question: str = field(default="", repr=False)
    times: int
    styles: tuple[str, ...]
    languages: tuple[str, ...]
    change: Change = Change.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Elicitation:
    """What one model said of a target, in how many answers."""

    model: str
    at: datetime
    answers: int
    proposals: tuple[Proposal, ...] = field(repr=False)


def is_accepted(proposal: Proposal, draft: Draft) -> bool:
    """Return whether the target has what is proposed."""
    texts: Iterable[str] = {
        ProposalKind.FACT: [fact.answer for fact in draft.facts],
        ProposalKind.ALIAS: draft.aliases,
        ProposalKind.PHRASE: draft.phrases,
    }[proposal.kind]
    return fold(proposal.text) in map(fold, texts)


def with_accepted(draft: Draft, proposals: Iterable[Proposal]) -> Draft:
    """Return the draft with what is proposed added, but for what it has and what the model no longer says."""
    added: dict[ProposalKind, dict[str, Proposal]] = {kind: {} for kind in ProposalKind}
    for proposal in proposals:
        if proposal.change is not Change.GONE and not is_accepted(proposal, draft):
            added[proposal.kind].setdefault(fold(proposal.text), proposal)
    facts = (Fact(answer=one.text, question=one.question) for one in added[ProposalKind.FACT].values())
    return replace(
        draft,
        facts=(*draft.facts, *facts),
        aliases=(*draft.aliases, *(one.text for one in added[ProposalKind.ALIAS].values())),
        phrases=(*draft.phrases, *(one.text for one in added[ProposalKind.PHRASE].values())),
    )


def proposals_of(members: Iterable[dict[str, Any]]) -> tuple[Proposal, ...]:
    """Return the proposals of the members that a row stores. Raises ValueError, TypeError or KeyError."""
    return tuple(
        Proposal(
            id=one["id"],
            kind=ProposalKind(one["kind"]),
            text=one["text"],
            question=one["question"],
            times=one["times"],
            styles=tuple(one["styles"]),
            languages=tuple(one["languages"]),
            change=Change(one["change"]),
        )
        for one in members
    )


def compared(now: Iterable[Proposal], before: Iterable[Proposal], same: Collection[str]) -> tuple[Proposal, ...]:
    """Return the proposals of `now`, and those of `before` that are gone, each with how it changed.

    `same` are the ids of proposals of either side that the other has in other words.
    """
    present, past = list(now), [one for one in before if one.change is not Change.GONE]
    known, said = {one.id for one in past}, {one.id for one in present}
    return (
        *(
            replace(one, change=Change.SAME if one.id in known or one.id in same else Change.NEW)
            for one in present
        ),
        *(replace(one, change=Change.GONE) for one in past if one.id not in said and one.id not in same),
    )
