"""What is sent to the admin plane; docs/admin-plane.md says what each member means and may hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Required

from typing_extensions import TypedDict

from serving.client.values import (
    Audience,
    Decoder,
    KeyRole,
    Kind,
    Language,
    Method,
    Mode,
    PatternKind,
    Role,
    Scope,
    Supplied,
    Variants,
)


class FactDraft(TypedDict, total=False):
    """Knowledge to withhold: an answer, which may be any sentence, and the question that it answers, if any."""

    answer: Required[str]
    question: str


class PatternDraft(TypedDict, total=False):
    """A value to forbid in all its forms, or with the value `*` a whole class of values."""

    kind: Required[PatternKind]
    value: Required[str]
    country: str


class _Members(TypedDict, total=False):
    kind: Kind
    aliases: Sequence[str]
    facts: Sequence[FactDraft]
    passages: Sequence[str]
    phrases: Sequence[str]
    patterns: Sequence[PatternDraft]
    exceptions: Sequence[str]
    distinguish: Sequence[str]
    variants: Variants
    methods: Sequence[Method]
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
    tags: Sequence[str]
    expires_at: str | None
    basis: str
    external_ref: str


class TargetPatch(_Members, total=False):
    """What to change of a forget target; members left out stay as they are, lists are replaced whole.

    `expires_at` is a date and time with a zone, as in 2031-01-31T00:00:00Z.
    """

    name: str


class TargetDraft(_Members):
    """A forget target to add; only `name` is required."""

    name: str


class KeyDraft(TypedDict, total=False):
    """A key to create: one of the admin plane has a `role`, one of the audience `client` may have the rest."""

    name: Required[str]
    audience: Audience
    role: KeyRole | None
    tags: Sequence[str]
    models: Sequence[str]
    requests_per_minute: int | None
    expires_at: str | None


class ElicitOptions(TypedDict, total=False):
    """How much to ask the served model."""

    samples: int
    languages: Sequence[Language]
    rounds: int
    beginnings: bool
    concurrency: int


class Message(TypedDict):
    """One turn of a conversation."""

    role: Role
    content: str


class CaseDraft(TypedDict, total=False):
    """A request to forget, times with a zone; `due_at` is a month later if left out, `requester` a reference."""

    received_at: Required[str]
    due_at: str | None
    requester: str
    closed_at: str | None
