"""Answers about forget targets. Texts are masked unless they were asked for, and a repr never shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from serving.client.values import (
    Change,
    Decoder,
    ElicitationState,
    Kind,
    Method,
    Mode,
    PatternKind,
    PhraseKind,
    ProposalKind,
    ProposedChangeKind,
    ProposedChangeState,
    Scope,
    State,
    Supplied,
    VariantKind,
    Variants,
)


class Answer(BaseModel):
    """An answer of the admin plane; members that a newer one adds are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class StoredBatch(Answer):
    """The ids of the targets added, in the order they were given, and of those that were there before.

    proposed  those of `ids` that wait for approval
    """

    ids: tuple[str, ...]
    existing: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()


class Fact(Answer):
    """A fact as stored."""

    question: str = Field(repr=False)
    answer: str = Field(repr=False)


class Pattern(Answer):
    """A listed value as stored."""

    kind: PatternKind
    value: str = Field(repr=False)
    country: str


class Proposed(Answer):
    """The members of a forget target; `forbidden`: the phrases that are enforced, given and extracted."""

    name: str = Field(repr=False)
    kind: Kind
    aliases: tuple[str, ...] = Field(repr=False)
    facts: tuple[Fact, ...] = Field(repr=False)
    passages: tuple[str, ...] = Field(repr=False)
    phrases: tuple[str, ...] = Field(repr=False)
    patterns: tuple[Pattern, ...] = Field(repr=False)
    exceptions: tuple[str, ...] = Field(repr=False)
    distinguish: tuple[str, ...] = Field(repr=False)
    variants: Variants
    methods: tuple[Method, ...]
    scope: Scope
    mode: Mode
    canary: float | None
    decoder: Decoder
    alpha: float | None
    filter_rate: float | None
    quoted_words: int
    supplied: Supplied | None
    soft: bool
    shared: bool
    tags: tuple[str, ...]
    expires_at: datetime | None
    basis: str
    external_ref: str
    forbidden: tuple[str, ...] = Field(repr=False)


class Reason(Answer):
    """Why a phrase is forbidden; `first_distinctive`: its beginning that is forbidden already."""

    phrase: str = Field(repr=False)
    kind: PhraseKind
    why: str
    first_distinctive: str = Field(repr=False)


class SideEffect(Answer):
    """A phrase that keeps common words from being said as well, or a name that others have."""

    phrase: str = Field(repr=False)
    words: int
    examples: tuple[str, ...] = Field(repr=False)
    why: str


class ValueClass(Answer):
    """A class of values that is forbidden as a whole; `values`: how many, None where they are not listed."""

    kind: PatternKind
    value: str = Field(repr=False)
    country: str
    values: int | None


class TargetPreview(Proposed):
    """What would be stored, and why each phrase of it is forbidden."""

    forbidden_variants: Mapping[VariantKind, tuple[str, ...]] = Field(repr=False)
    reasons: tuple[Reason, ...]
    warnings: tuple[SideEffect, ...]
    classes: tuple[ValueClass, ...]


class ProposedChange(Answer):
    """A change of a target that waits for a second person, or was rejected last.

    revision  what an approval or rejection names
    """

    change: ProposedChangeKind
    state: ProposedChangeState
    revision: int
    proposer: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str

    @property
    def is_open(self) -> bool:
        """Whether it waits for a second person."""
        return self.state == "open"


class Difference(Answer):
    """A member in which what is proposed differs from what is in force: what goes, and what comes."""

    member: str
    removed: tuple[str, ...] = Field(repr=False)
    added: tuple[str, ...] = Field(repr=False)


class ProposedTarget(ProposedChange):
    """What is proposed of a target, and how it differs from what is in force; `target` is None for its end."""

    differences: tuple[Difference, ...]
    target: TargetPreview | None


class Target(Proposed):
    """A forget target as stored; one that has ended or was rejected has no texts left.

    proposed  the change that waits for approval, or was rejected last
    """

    id: str
    state: State
    revision: int
    created_at: datetime
    updated_at: datetime
    proposed: ProposedChange | None = None


class TargetPage(Answer):
    """A page of targets in the order they were added; `next_cursor` is that of the next page, None at the end."""

    targets: tuple[Target, ...]
    next_cursor: str | None


class Proposal(Answer):
    """Something that the model says of a target; `times`: how many answers said it."""

    id: str
    kind: ProposalKind
    text: str = Field(repr=False)
    question: str = Field(repr=False)
    times: int
    styles: tuple[str, ...]
    languages: tuple[str, ...]
    change: Change
    accepted: bool


class Elicitation(Answer):
    """The elicitation of a target, and what the last one that was done found."""

    target_id: str
    state: ElicitationState
    share: float
    code: str | None
    detail: str | None
    model: str | None
    at: datetime | None
    answers: int
    proposals: tuple[Proposal, ...]

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self.state in ("queued", "running")
