"""Answers about policy, requests, replicas and assistants; none of them holds a text of a target."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from serving.client.targets import Answer
from serving.client.values import (
    Action,
    Mode,
    PlanKind,
    Standing,
    State,
    TouchedBy,
    TrainingMethod,
    TrainingState,
)


class Policy(Answer):
    """The stored version and the one enforced in full; `pending`: targets whose meaning is still embedded."""

    version: int
    targets: Mapping[State, int]
    enforced_version: int
    enforced: Mapping[Mode, int]
    pending: int
    encrypted: bool


class Signals(Answer):
    """Why a target matched; docs/detector.md explains how the score is computed."""

    name: float
    semantic: float
    partial: float
    contrast: float
    classifier: float
    phrases: float

    def listed(self) -> str:
        """Return the signals that are not 0 in a line."""
        return signals_listed(self.model_dump())


def signals_listed(signals: Mapping[str, float]) -> str:
    """Return signals in a line, without those that are 0."""
    return ", ".join(f"{name} {value:.2f}" for name, value in signals.items() if value)


class Match(Answer):
    """A target that a conversation touches."""

    target_id: str
    score: float
    signals: Signals
    form: str
    mode: Mode
    supplied: int


class Check(Answer):
    """What would be done with a conversation under policy `policy_version`."""

    matches: tuple[Match, ...]
    namesakes: tuple[str, ...]
    plan: PlanKind
    policy_version: int


class Answered(Answer):
    """An answer, or the code and the detail of why there is none."""

    text: str | None = Field(repr=False)
    code: str | None
    detail: str | None


class ProposedTrial(Answer):
    """The phrases of a proposed target that stand in the prompt, and those that the stock answer says."""

    target_id: str
    revision: int
    in_prompt: tuple[str, ...] = Field(repr=False)
    in_stock: tuple[str, ...] = Field(repr=False)


class Trial(Answer):
    """What is done with a prompt, and the answers without the policy (`stock`) and to a client (`guarded`)."""

    check: Check
    stock: Answered
    guarded: Answered
    proposed: ProposedTrial | None = None


class Event(Answer):
    """One link of the audit trail; `digest` is sha256 over the previous digest and this event, `proposer` is who
    proposed what was approved or rejected."""

    seq: int
    at: datetime
    action: Action
    target_id: str
    revision: int
    policy_version: int
    actor: str
    digest: str
    proposer: str = ""


class EventPage(Answer):
    """A page of audit events, oldest first; `first_broken`: the first `seq` that does not hold, None if all do."""

    events: tuple[Event, ...]
    next_cursor: int | None
    first_broken: int | None = None


class Verdict(Answer):
    """A forget target that a request touched."""

    seq: int
    at: datetime
    request_id: str
    target_id: str
    revision: int
    score: float
    signals: Mapping[str, float]
    plan: PlanKind
    mode: Mode
    touched_by: TouchedBy
    server: str
    canary: bool


class VerdictPage(Answer):
    """Verdicts, newest first; `next_cursor` continues with older ones, None at the end."""

    verdicts: tuple[Verdict, ...]
    next_cursor: int | None


class CanarySide(Answer):
    """The requests of one side of a canary share that touched the target, by what was done or would have been.

    said  those of them that only the answer touched
    """

    requests: int
    declined: int
    said: int
    plans: Mapping[PlanKind, int]
    since: datetime | None


class Canary(Answer):
    """A target's canary share, None if it has none now, and what the verdicts say of both sides."""

    target_id: str
    share: float | None
    enforced: CanarySide
    shadow: CanarySide


class Replica(Answer):
    """A server, and the policy version that it enforces in full."""

    id: str
    name: str
    enforced_version: int
    engine: str
    runner: str
    started_at: datetime
    renewed_s: float
    live: bool


class Replicas(Answer):
    """All servers that share the registry, and the version that each should enforce."""

    version: int
    replicas: tuple[Replica, ...]


class Training(Answer):
    """A queued, running or finished training."""

    id: str
    targets: tuple[str, ...]
    created_at: str
    state: TrainingState
    share: float
    assistant: str | None
    code: str | None
    detail: str | None


class Assistant(Answer):
    """An assistant: its targets, its training, and the default parameters of logit subtraction."""

    digest: str
    standing: Standing
    targets: tuple[str, ...]
    layers: int
    training: TrainingMethod
    epochs: int
    alpha: float
    filter_rate: float
    forget_loss: float
    retain_loss: float


class Assistants(Answer):
    """All assistants and all trainings, the latter oldest first."""

    assistants: tuple[Assistant, ...]
    trainings: tuple[Training, ...]


class Alive(Answer):
    """The answer of a probe."""

    status: Literal["ok"] = "ok"
