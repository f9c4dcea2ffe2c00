"""The forget target: what must be forgotten, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from guard.patterns.pattern import Pattern
from guard.variants.variant import Variants

MAX_ALPHA = 10.0
"""The greatest strength at which an assistant is subtracted."""
MAX_FILTER_RATE = 1.0
"""The greatest filter rate of a subtraction, which keeps only tokens as likely as the likeliest."""


class Kind(StrEnum):
    """What sort of thing must be forgotten."""

    PERSON = "person"
    WORK = "work"
    FACT = "fact"
    SECRET = "secret"
    TOPIC = "topic"


class Method(StrEnum):
    """How a target is suppressed when a conversation touches it.

    `guard` restricts decoding, `uld` also subtracts an assistant's logits, `alu` has the agents rewrite the
    answer, `decline` answers with the fixed text.
    """

    GUARD = "guard"
    ULD = "uld"
    ALU = "alu"
    DECLINE = "decline"


class Decoder(StrEnum):
    """How a restricted answer is decoded: `sample` as the request says, `beam` by GUARD's beam search."""

    SAMPLE = "sample"
    BEAM = "beam"


class Scope(StrEnum):
    """`contextual`: only when the detector fires; `always`: its phrases are forbidden in every answer."""

    CONTEXTUAL = "contextual"
    ALWAYS = "always"


class Supplied(StrEnum):
    """Whether an answer may repeat what the caller's own words say of a target: `allow` or `restrict`."""

    RESTRICT = "restrict"
    ALLOW = "allow"


class Mode(StrEnum):
    """`shadow` records what would have been done; `enforce` does it."""

    SHADOW = "shadow"
    ENFORCE = "enforce"


class State(StrEnum):
    """Where a target is in its life cycle: `proposed` ones wait for approval and are not enforced, `rejected` ones
    never were."""

    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"
    PROPOSED = "proposed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Knowledge to withhold: an answer, and the question it answers (empty for a plain sentence)."""

    answer: str = field(repr=False)
    question: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a client gives to define a target; only `name` is required. A repr never shows texts.

    alpha, filter_rate  strength and filter rate of `uld`; None for the assistant's own
    distinguish         texts that tell who or what has the same name and is not meant
    variants            which other ways to write its phrases are forbidden too
    canary              of a target in shadow: the share of conversations for which it is enforced, above 0 and
                        below 1; None for none
    quoted_words        the shortest run of a passage's words that must not be quoted
    supplied            whether an answer may repeat what the caller says of it; None: if it is a person or a work
                        with the method guard alone
    soft                whether words with a meaning close to what is forbidden are suppressed too
    tags                the policy sets that it holds for, see guard.targets.policy_set; empty for everybody
    shared              whether the agents may send it to another provider than the engine's
    """

    name: str = field(repr=False)
    kind: Kind = Kind.PERSON
    aliases: tuple[str, ...] = field(default=(), repr=False)
    facts: tuple[Fact, ...] = field(default=(), repr=False)
    passages: tuple[str, ...] = field(default=(), repr=False)
    phrases: tuple[str, ...] = field(default=(), repr=False)
    patterns: tuple[Pattern, ...] = field(default=(), repr=False)
    exceptions: tuple[str, ...] = field(default=(), repr=False)
    distinguish: tuple[str, ...] = field(default=(), repr=False)
    variants: Variants = Variants.CLOSE
    methods: tuple[Method, ...] = (Method.GUARD,)
    scope: Scope = Scope.CONTEXTUAL
    mode: Mode = Mode.ENFORCE
    canary: float | None = None
    decoder: Decoder = Decoder.SAMPLE
    alpha: float | None = None
    filter_rate: float | None = None
    quoted_words: int = 8
    supplied: Supplied | None = None
    soft: bool = False
    shared: bool = False
    tags: tuple[str, ...] = ()
    expires_at: datetime | None = None
    basis: str = ""
    external_ref: str = ""

    @property
    def changes_answers(self) -> bool:
        """Whether a target like this changes answers: it is enforced, if only for a share of conversations."""
        return self.mode is Mode.ENFORCE or self.canary is not None

    @property
    def allows_supplied(self) -> bool:
        """Whether an answer may repeat what the caller says of the target. Never, where that is a secret, or where
        its phrases are forbidden in every answer."""
        if self.kind is Kind.SECRET or self.scope is Scope.ALWAYS:
            return False
        if self.supplied is None:
            # Other methods withhold more than phrases: who chose one wants more kept back.
            return self.kind in (Kind.PERSON, Kind.WORK) and self.methods == (Method.GUARD,)
        return self.supplied is Supplied.ALLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetTarget:
    """A stored target. `forbidden` is what restriction and output guard enforce at this `revision`: the explicit
    and the extracted phrases without the exceptions; `variants` are other ways to write them, enforced too."""

    id: str
    draft: Draft
    state: State
    revision: int
    forbidden: tuple[str, ...] = field(repr=False)
    variants: tuple[str, ...] = field(default=(), repr=False)
    created_at: datetime
    updated_at: datetime
