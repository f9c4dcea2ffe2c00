"""The values that members of requests and answers can have, as the admin plane spells them."""

from __future__ import annotations

from typing import Literal

Kind = Literal["person", "work", "fact", "secret", "topic"]
Method = Literal["guard", "uld", "alu", "decline"]
Scope = Literal["contextual", "always"]
Mode = Literal["shadow", "enforce"]
ShareSide = Literal["enforced", "shadow"]
Decoder = Literal["sample", "beam"]
Supplied = Literal["restrict", "allow"]
State = Literal["active", "revoked", "expired", "proposed", "rejected"]
ProposedChangeKind = Literal["add", "change", "revoke"]
ProposedChangeState = Literal["open", "rejected"]
CaseState = Literal["open", "overdue", "closed"]
Variants = Literal["none", "close", "wide"]
VariantKind = Literal[
    "order",
    "initial",
    "courtesy",
    "family_name",
    "inflection",
    "romanised",
    "phone",
    "account",
    "amount",
    "date",
    "digit_words",
    "title_part",
    "address",
    "edit",
    "early",
]
PatternKind = Literal["iban", "phone", "email", "email_domain", "card", "national_id", "regex"]
PhraseKind = Literal[
    "name",
    "alias",
    "part",
    "place",
    "title",
    "date",
    "number",
    "code",
    "acronym",
    "word",
    "pair",
    "secret",
    "phrase",
]
Action = Literal[
    "added", "changed", "revoked", "expired", "elicited", "revealed", "proposed", "approved", "rejected"
]
Audience = Literal["admin", "client"]
KeyRole = Literal["reader", "editor", "approver", "auditor"]
KeyState = Literal["active", "expired", "revoked"]
KeyAction = Literal["created", "rotated", "revoked", "approval_required", "approval_ended"]
PlanKind = Literal["pass", "restrict", "subtract", "agents", "decline"]
TouchedBy = Literal["question", "answer"]
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
ProposalKind = Literal["fact", "alias", "phrase"]
Change = Literal["new", "same", "gone"]
TargetChange = Literal["added", "changed", "ended", "passing"]
ElicitationState = Literal["queued", "running", "done", "failed", "cancelled", "lost"]
Language = Literal["en", "de", "fr", "es", "zh"]
Standing = Literal["trained", "promoted", "retired"]
TrainingMethod = Literal["low-rank", "whole"]
TrainingState = Literal["queued", "training", "trained", "failed"]
EngineState = Literal["starting", "ready", "failed"]
