"""The JSON response bodies of the admin plane. Texts of targets are masked unless the request reveals them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from guard.evidence.known_names import known_names
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.value_class import class_of, is_class
from guard.phrases.phrase import Phrase, PhraseKind
from guard.policy.phrase_counts import never_alone
from guard.registry.approval.proposed import ProposedChange
from guard.targets.phrases import phrases, side_effects_of, variants
from guard.targets.target import (
    Decoder,
    Draft,
    ForgetTarget,
    Kind,
    Method,
    Mode,
    Scope,
    State,
    Supplied,
)
from guard.text.normalise import fold
from guard.variants.variant import Variant, VariantKind, Variants
from serving.approval.bodies import ProposedOut, proposed_of


class BatchOut(BaseModel):
    """The ids of the targets added, in the order they were given."""

    ids: list[str]
    existing: list[str] = Field(
        default=[], description="With `skip_existing=true`: ids of the active targets that were not added again."
    )
    proposed: list[str] = Field(default=[], description="Those of `ids` that wait for approval.")


class FactOut(BaseModel):
    """A fact as stored."""

    question: str
    answer: str


class PatternOut(BaseModel):
    """A listed value as stored."""

    kind: PatternKind
    value: str
    country: str


class Proposal(BaseModel):
    """A forget target as it would be stored. Its texts are masked unless `reveal=true` asked for them."""

    name: str
    kind: Kind
    aliases: list[str]
    facts: list[FactOut]
    passages: list[str]
    phrases: list[str]
    patterns: list[PatternOut]
    exceptions: list[str]
    distinguish: list[str]
    variants: Variants
    methods: list[Method]
    scope: Scope
    mode: Mode
    canary: float | None = Field(description="In shadow: the share of conversations for which it is enforced.")
    decoder: Decoder
    alpha: float | None
    filter_rate: float | None
    quoted_words: int
    supplied: Supplied | None
    soft: bool
    shared: bool
    tags: list[str]
    expires_at: datetime | None
    basis: str
    external_ref: str
    forbidden: list[str] = Field(description="The phrases that are enforced: given and extracted, for review.")


class ReasonOut(BaseModel):
    """Why a phrase is forbidden, and up to where it may not be said."""

    phrase: str
    kind: PhraseKind
    why: str
    first_distinctive: str = Field(description="The beginning of the phrase that is forbidden already.")


class WarningOut(BaseModel):
    """A phrase that keeps common words from being said as well: how many, and the commonest of them.

    Or a name that others have."""

    phrase: str
    words: int
    examples: list[str]
    why: str = Field(description="What else the phrase forbids, or who else has the name.")


class ClassOut(BaseModel):
    """A class of values that is forbidden as a whole."""

    kind: PatternKind
    value: str
    country: str
    values: int | None = Field(
        description="How many values it has, if they are listed in `forbidden`, so that the token mask knows them."
        " Null: they are found as they are said, in requests and by the output guard."
    )


class Preview(Proposal):
    """What would be stored, with the other ways to write its phrases that are enforced too, by kind."""

    forbidden_variants: dict[VariantKind, list[str]]
    reasons: list[ReasonOut] = Field(description="Each of `forbidden` with its kind and why it is forbidden.")
    warnings: list[WarningOut] = Field(description="Phrases that also forbid common words, and names of others.")
    classes: list[ClassOut] = Field(description="Those of `patterns` that name a whole class of values.")


class TargetOut(Proposal):
    """A forget target as stored; one that has ended or was rejected has no texts left."""

    id: str
    state: State
    revision: int
    created_at: datetime
    updated_at: datetime
    proposed: ProposedOut | None = Field(description="The change that waits for approval, or was rejected last.")


class TargetPage(BaseModel):
    """A page of targets in the order they were added; `next_cursor` is that of the next page, null at the end."""

    targets: list[TargetOut]
    next_cursor: str | None


def masked(text: str) -> str:
    """Return the length of a text in place of it; an empty text stays empty."""
    return f"••• ({len(text)} characters)" if text else ""


def preview_of(target: ForgetTarget, reveal: bool, context: frozenset[str] = frozenset()) -> Preview:
    """Return the response body of a target that is not stored; `context` as in the policy in force."""
    show = str if reveal else masked
    found: dict[VariantKind, list[str]] = {}
    spelt = variants(target.draft)
    for variant in spelt:
        found.setdefault(variant.kind, []).append(show(variant.text))
    return Preview(
        forbidden_variants=found,
        reasons=[
            ReasonOut(
                phrase=show(phrase.text),
                kind=phrase.kind,
                why=_why(phrase, target.draft, context),
                first_distinctive=show(_closed_at(phrase, spelt)),
            )
            for phrase in phrases(target.draft)
        ],
        warnings=[
            WarningOut(
                phrase=show(effect.phrase),
                words=effect.words,
                examples=[*map(show, effect.examples)],
                why="also forbids common words",
            )
            for effect in side_effects_of(target.draft)
        ]
        + [
            WarningOut(phrase=show(known.name), words=0, examples=[], why=known.why)
            for known in known_names(target.draft)
        ],
        classes=[_class_of(pattern, show) for pattern in target.draft.patterns if is_class(pattern)],
        **_members(target, reveal),
    )


def _why(phrase: Phrase, draft: Draft, context: frozenset[str]) -> str:
    is_context = draft.scope is Scope.ALWAYS and fold(phrase.text) in never_alone(draft, context)
    return f"{phrase.why}; in the facts of many targets, so not forbidden alone" if is_context else phrase.why


def _class_of(pattern: Pattern, show: Callable[[str], str]) -> ClassOut:
    listed = class_of(pattern.kind, pattern.value, pattern.country.lower()).expression.values
    return ClassOut(
        kind=pattern.kind,
        value=show(pattern.value),
        country=pattern.country,
        values=None if listed is None else len(listed),
    )


def _closed_at(phrase: Phrase, spelt: Sequence[Variant]) -> str:
    early = (variant.text for variant in spelt if variant.kind is VariantKind.EARLY)
    return min((text for text in early if phrase.text.startswith(text)), key=len, default=phrase.text)


def target_of(target: ForgetTarget, reveal: bool, change: ProposedChange | None = None) -> TargetOut:
    """Return the response body of a stored target, and of the `change` that is proposed."""
    return TargetOut(
        id=target.id,
        state=target.state,
        revision=target.revision,
        created_at=target.created_at,
        updated_at=target.updated_at,
        proposed=proposed_of(change) if change else None,
        **_members(target, reveal),
    )


def _members(target: ForgetTarget, reveal: bool) -> dict[str, Any]:
    draft = target.draft
    show = str if reveal else masked
    return {
        "name": show(draft.name),
        "kind": draft.kind,
        "aliases": [show(text) for text in draft.aliases],
        "facts": [FactOut(question=show(fact.question), answer=show(fact.answer)) for fact in draft.facts],
        "passages": [show(text) for text in draft.passages],
        "phrases": [show(text) for text in draft.phrases],
        "patterns": [
            PatternOut(kind=pattern.kind, value=show(pattern.value), country=pattern.country)
            for pattern in draft.patterns
        ],
        "exceptions": [show(text) for text in draft.exceptions],
        "distinguish": [show(text) for text in draft.distinguish],
        "variants": draft.variants,
        "methods": list(draft.methods),
        "scope": draft.scope,
        "mode": draft.mode,
        "canary": draft.canary,
        "decoder": draft.decoder,
        "alpha": draft.alpha,
        "filter_rate": draft.filter_rate,
        "quoted_words": draft.quoted_words,
        "supplied": draft.supplied,
        "soft": draft.soft,
        "shared": draft.shared,
        "tags": list(draft.tags),
        "expires_at": draft.expires_at,
        "basis": draft.basis,
        "external_ref": draft.external_ref,
        "forbidden": [show(text) for text in target.forbidden],
    }


class PolicyOut(BaseModel):
    """The stored version and the one enforced in full; they differ while a change is compiled or embedded."""

    version: int
    targets: dict[State, int] = Field(description="Stored targets by state.")
    enforced_version: int
    enforced: dict[Mode, int] = Field(description="Targets in force by mode, the pending ones included.")
    pending: int = Field(
        description="Targets whose phrases and names are in force, and whose meaning is still being embedded."
    )
    encrypted: bool = Field(description="Whether what tells targets is encrypted where it is stored.")


class Alive(BaseModel):
    """The response of the probes."""

    status: Literal["ok"] = "ok"
