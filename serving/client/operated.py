"""Answers about policy versions, and what stands beside the policy: engines, checkpoints, webhooks, cases."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from serving.client.targets import Answer, Difference
from serving.client.values import CaseState, EngineState, Kind, TargetChange


class Engine(Answer):
    """An engine of the server; an embedded one has no `url`, `reason` says why it is not ready."""

    url: str
    state: EngineState
    reason: str
    outstanding: int
    drained: bool


class Engines(Answer):
    """The engines of the server, in the order of its settings."""

    engines: tuple[Engine, ...]


class Checkpoint(Answer):
    """How far the audit trails went: the last event and its digest, of that of keys if it has any.

    On the wire `form` is `schema`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, validate_by_name=True)

    form: Literal["lethe-checkpoint/1"] = Field(alias="schema")
    seq: int
    digest: str
    trail: str
    policy_version: int
    at: str
    key_seq: int | None = None
    key_digest: str | None = None


class Signature(Answer):
    """An Ed25519 signature over the canonical JSON (RFC 8785) of what is signed."""

    algorithm: Literal["Ed25519"]
    public_key: str
    value: str


class SignedCheckpoint(Answer):
    """A checkpoint and the server's signature of it."""

    checkpoint: Checkpoint
    signature: Signature


class Checkpoints(Answer):
    """All checkpoints of the server, oldest first."""

    checkpoints: tuple[SignedCheckpoint, ...]


class DeadLetter(Answer):
    """An event that a webhook did not take; `reason` is a status, or the class of an error."""

    seq: int
    at: datetime
    attempts: int
    reason: str


class Webhook(Answer):
    """How far a webhook was told, and how many events are waiting."""

    id: str
    seq: int
    behind: int
    dead_letters: tuple[DeadLetter, ...]


class Webhooks(Answer):
    """The webhooks of the server, in the order of its settings."""

    webhooks: tuple[Webhook, ...]


class Delivered(Answer):
    """How many dead letters a webhook took."""

    delivered: int


class Case(Answer):
    """A request to forget, and whether its answer is due; `requester` is a reference."""

    target_id: str
    received_at: datetime
    due_at: datetime
    requester: str
    closed_at: datetime | None
    state: CaseState


class CasePage(Answer):
    """Cases, the first due first; `next_cursor` continues, null at the end."""

    cases: tuple[Case, ...]
    next_cursor: int | None


class VersionChange(Answer):
    """What became of a target from one policy version to another; `before` and `after` are its revisions in them.

    differences  None where it was added or has ended, or a revision is not kept
    """

    target_id: str
    kind: Kind
    change: TargetChange
    before: int | None
    after: int | None
    differences: tuple[Difference, ...] | None


class PolicyDiff(Answer):
    """What became of the targets from one policy version to another, the latest change first; `next_cursor`
    continues, null at the end."""

    older: int
    newer: int
    changes: tuple[VersionChange, ...]
    next_cursor: str | None


class Rollback(Answer):
    """What was done to get back to a policy version: ids of targets.

    changed, revoked           as they were; added since, and ended
    proposed                   whose change or end waits for approval
    erased, not_kept, refused  what cannot be brought back, and stays as it is
    """

    version: int
    policy_version: int
    changed: tuple[str, ...]
    revoked: tuple[str, ...]
    proposed: tuple[str, ...]
    erased: tuple[str, ...]
    not_kept: tuple[str, ...]
    refused: tuple[str, ...]
