"""Routes for observation: the verdict log, the audit trail outside, and Prometheus metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from guard.detection.detector import TouchedBy
from guard.policy.plan import PlanKind
from guard.targets.audit_log import Action, Event
from guard.targets.target import Mode
from serving.admin.problems import documented
from serving.admin.service import Service
from serving.telemetry.verdict_log import Verdict

router = APIRouter(tags=["observation"])
FORMATS: dict[str, dict[str, str]] = {"text/plain": {}, "application/openmetrics-text": {}}


class VerdictOut(BaseModel):
    """A forget target that a request touched."""

    seq: int
    at: datetime
    request_id: str = Field(description="The request's `X-Request-Id`.")
    target_id: str
    revision: int
    score: float
    signals: Mapping[str, float]
    plan: PlanKind = Field(description="What was done; for a target in shadow, what enforcing it would have done.")
    mode: Mode
    touched_by: TouchedBy = Field(description="Whether what was asked touched the target, or the answer.")
    server: str = Field(description="Host and port of the server that answered.")
    canary: bool = Field(description="The target had a canary share; `mode` says whether the request was in it.")


class VerdictPage(BaseModel):
    """Verdicts, newest first; `next_cursor` continues with older ones, null at the end."""

    verdicts: list[VerdictOut]
    next_cursor: int | None


class EventOut(BaseModel):
    """One link of the audit trail; `digest` is sha256 over the previous digest and this event."""

    seq: int
    at: datetime
    action: Action
    target_id: str
    revision: int
    policy_version: int
    actor: str = Field(description="`admin` for the configured key, `clock`, or the id of a key.")
    digest: str
    proposer: str = Field(description="Who proposed what was approved or rejected; empty where one acted alone.")


def event_of(event: Event) -> EventOut:
    """Return the response body of an event."""
    return EventOut(**asdict(event))


class EventPage(BaseModel):
    """A page of audit events, oldest first; `next_cursor` is that of the next page, null at the end."""

    events: list[EventOut]
    next_cursor: int | None
    first_broken: int | None = Field(
        description="First `seq` at which this page, or its link to the previous page, was altered; null if none."
    )


@router.get("/admin/v1/verdicts", responses=documented())
async def verdicts(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int | None, Query(ge=1, lt=2**53, description="`next_cursor` of the previous page.")] = None,
    mode: Annotated[Mode | None, Query(description="Only verdicts of targets in this mode.")] = None,
    target_id: Annotated[str | None, Query(description="Only verdicts of this target.")] = None,
) -> VerdictPage:
    """List which requests touched which targets, newest first, of all servers that share the registry; no texts
    are recorded."""
    found = await run_sync(service.verdicts.page, cursor, limit, mode, target_id)
    return VerdictPage(verdicts=[verdict_of(verdict) for verdict in found.items], next_cursor=found.next)


@router.get("/admin/v1/audit", responses=documented())
async def audit(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int, Query(ge=0, lt=2**53, description="`next_cursor` of the previous page.")] = 0,
) -> EventPage:
    """List the audit trail, oldest first, and verify that it is unaltered."""
    found = await run_sync(service.registry.events, cursor, limit + 1)
    events = [event_of(event) for event in found[:limit]]
    # Only of this page, so that reading all pages verifies each event once.
    broken = await run_sync(service.registry.first_broken_event, cursor, len(events))
    return EventPage(
        events=events, next_cursor=events[-1].seq if len(found) > limit else None, first_broken=broken
    )


class CheckpointOut(BaseModel):
    """How far the audit trail went, and that it held."""

    model_config = ConfigDict(populate_by_name=True)

    # The member is called `schema`, which pydantic's own class has too.
    form: Literal["lethe-checkpoint/1"] = Field(alias="schema")
    seq: int = Field(description="The last event.")
    digest: str = Field(description="Its digest.")
    trail: str = Field(description="The digest of the first event: which trail this is.")
    policy_version: int
    at: str
    key_seq: int | None = Field(None, description="The last event of the trail of keys, if it has any.")
    key_digest: str | None = Field(None, description="Its digest.")


class SignatureOut(BaseModel):
    """An Ed25519 signature over the canonical JSON (RFC 8785) of what is signed."""

    algorithm: Literal["Ed25519"]
    public_key: str
    value: str


class SignedCheckpoint(BaseModel):
    """A checkpoint and the server's signature: what the signature is over is `checkpoint`, as it stands here."""

    checkpoint: CheckpointOut
    signature: SignatureOut


class CheckpointList(BaseModel):
    """All checkpoints of this server, oldest first."""

    checkpoints: list[SignedCheckpoint]


# What is signed has no other members than those that were: the signature is over them.
@router.get("/admin/v1/audit/checkpoints", response_model_exclude_unset=True, responses=documented())
async def checkpoints(service: Service) -> CheckpointList:
    """List the signed checkpoints of the audit trails that this server has made, to be kept elsewhere."""
    lines = await run_sync(service.audit.lines)
    return CheckpointList(checkpoints=[SignedCheckpoint.model_validate_json(line) for line in lines])


class DeadLetterOut(BaseModel):
    """An event that a webhook did not take."""

    seq: int
    at: datetime
    attempts: int
    reason: str = Field(description="A status, or the class of an error.")


class WebhookOut(BaseModel):
    """How far a webhook was told; its URL and secret are not shown."""

    id: str
    seq: int = Field(description="The last event that was delivered or given up.")
    behind: int = Field(description="How many events are waiting.")
    dead_letters: list[DeadLetterOut]


class WebhookList(BaseModel):
    """The webhooks of this server, in the order of its settings."""

    webhooks: list[WebhookOut]


class Delivered(BaseModel):
    """How many dead letters a webhook took."""

    delivered: int


@router.get("/admin/v1/webhooks", responses=documented())
async def webhooks(service: Service) -> WebhookList:
    """List how far each webhook was told, and the events that it did not take."""
    states = await run_sync(service.webhooks.states)
    return WebhookList(
        webhooks=[
            WebhookOut(
                id=state.id,
                seq=state.seq,
                behind=max(0, state.last - state.seq),
                dead_letters=[
                    DeadLetterOut(seq=one.seq, at=one.at, attempts=one.attempts, reason=one.reason)
                    for one in state.dead_letters
                ],
            )
            for state in states
        ]
    )


@router.post("/admin/v1/webhooks/{id}:retry", responses=documented(404))
async def retry(service: Service, id: str) -> Delivered:
    """Deliver the dead letters of a webhook once more, oldest first, until one is not taken."""
    return Delivered(delivered=await service.webhooks.deliver_dead(id))


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": FORMATS, "description": "Prometheus' text format, or OpenMetrics"},
        **documented(),
    },
)
async def metrics(request: Request, service: Service) -> Response:
    """Return the metrics of both planes, as OpenMetrics where `Accept` asks for it; docs/metrics.md lists them."""
    await service.observe_state()
    content, content_type = service.metrics.exposition(request.headers.get("accept", ""))
    return Response(content, media_type=content_type)


def verdict_of(verdict: Verdict) -> VerdictOut:
    """Return the response body of a verdict."""
    return VerdictOut(
        seq=verdict.seq,
        at=datetime.fromtimestamp(verdict.at, UTC),
        request_id=verdict.request_id,
        target_id=verdict.target_id,
        revision=verdict.revision,
        score=verdict.score,
        signals=verdict.signals,
        plan=verdict.kind,
        mode=verdict.mode,
        touched_by=verdict.touched_by,
        server=verdict.server,
        canary=verdict.canary,
    )
