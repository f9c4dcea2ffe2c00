"""Routes for canary shares: compare the requests of both sides of a target, and enforce it for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from anyio.to_thread import run_sync
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from guard.policy.plan import PlanKind
from guard.targets.target import Draft, ForgetTarget, Mode
from serving.admin.auth import CallerOf
from serving.admin.problems import Refused, documented
from serving.admin.responses import TargetOut
from serving.admin.service import Service
from serving.admin.targets import (
    ETAG,
    ONE,
    IfMatch,
    Reveal,
    Timeout,
    Wait,
    identify,
    match,
    settle,
    shown,
    undecided,
)
from serving.telemetry.verdict_log import SideCounts

router = APIRouter(tags=["canary shares"])


class CanarySideOut(BaseModel):
    """The requests of one side that touched the target."""

    requests: int
    declined: int = Field(description="Those of them that were declined or, in shadow, would have been.")
    said: int = Field(description="Those of them that only the answer touched.")
    plans: Mapping[PlanKind, int] = Field(
        description="All of them by what was done or, in shadow, would have been."
    )
    since: datetime | None = Field(description="When the first was; null for none.")


class CanaryOut(BaseModel):
    """A target's canary share, and the verdicts of both sides; verdicts of before it had a share do not count."""

    target_id: str
    share: float | None = Field(description="Null: it has none now.")
    enforced: CanarySideOut
    shadow: CanarySideOut


@router.get(f"{ONE}/canary", responses=documented(404))
async def canary(service: Service, target_id: str) -> CanaryOut:
    """Compare what was done with requests in a target's canary share with what would have been with others."""
    target = await undecided(service, target_id)
    sides = await run_sync(service.verdicts.canary_sides, target.id)
    return canary_of(target, sides)


@router.post(f"{ONE}:promote", responses={200: {"headers": ETAG}, **documented(404, 409, 412, 504)})
async def promote(
    service: Service,
    caller: CallerOf,
    target_id: str,
    response: Response,
    if_match: IfMatch = "",
    reveal: Reveal = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> TargetOut:
    """Enforce a target in shadow for all conversations; its canary share, if it has one, is gone.

    Where that waits for approval, the answer is the target as it stands until then, with what is `proposed`.
    """
    current = await undecided(service, target_id)
    if if_match:
        match(if_match, current.revision)
    target = await run_sync(service.changes.change, caller, current, promoted(current))
    await settle(service, wait, timeout, target)
    identify(response, target)
    return await shown(service, target, reveal)


def promoted(target: ForgetTarget) -> Draft:
    """Return what a target in shadow is to become for all conversations. Refused for one that is enforced."""
    if target.draft.mode is not Mode.SHADOW:
        raise Refused(409, "not_in_shadow", "the target is enforced for all conversations already", field="mode")
    return replace(target.draft, mode=Mode.ENFORCE, canary=None)


def canary_of(target: ForgetTarget, sides: Mapping[Mode, SideCounts]) -> CanaryOut:
    """Return the response body of both sides of a target."""
    return CanaryOut(
        target_id=target.id,
        share=target.draft.canary,
        enforced=_side_of(sides[Mode.ENFORCE]),
        shadow=_side_of(sides[Mode.SHADOW]),
    )


def _side_of(side: SideCounts) -> CanarySideOut:
    return CanarySideOut(
        requests=side.requests,
        declined=side.plans.get(PlanKind.DECLINE, 0),
        said=side.said,
        plans=dict(side.plans),
        since=None if side.first_at is None else datetime.fromtimestamp(side.first_at, UTC),
    )
