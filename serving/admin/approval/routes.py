"""Routes for approval: what is proposed of a target, and its approval or rejection by a second person."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Response
from pydantic import Field

from guard.errors import UnknownTarget
from guard.registry.approval.proposed import ChangeKind, ProposedChange
from guard.registry.drafts import target_like
from guard.targets.differences import Difference, target_differences
from guard.targets.target import ForgetTarget
from serving.admin.auth import CallerOf
from serving.admin.problems import Refused, documented
from serving.admin.responses import Preview, TargetOut, masked, preview_of
from serving.admin.service import AdminService, Service
from serving.admin.targets import ETAG, ONE, Reveal, Timeout, Wait, identify, settle, shown
from serving.approval.bodies import DifferenceOut, ProposedOut, RejectionIn, proposed_of

PROPOSED = f"{ONE}/proposed"

router = APIRouter(tags=["approval"])

Seen = Annotated[str, Header(alias="if-match", description="ETag of what is proposed, as it was looked at.")]


class ProposedTargetOut(ProposedOut):
    """What is proposed of a target, and how it differs from what is in force."""

    differences: list[DifferenceOut] = Field(description="Empty for a new target and for a revocation.")
    target: Preview | None = Field(description="What the target is to become; null where it is to end.")


@router.get(PROPOSED, responses={200: {"headers": ETAG}, **documented(404)})
async def proposed(
    service: Service, target_id: str, response: Response, reveal: Reveal = False
) -> ProposedTargetOut:
    """Read what is proposed of a target, or was rejected last; its ETag is what an approval names."""
    target, change = await found_proposed(service, target_id)
    response.headers["ETag"] = f'"{change.revision}"'
    meant = await run_sync(target_proposed, target, change)
    return ProposedTargetOut(
        **proposed_of(change).model_dump(),
        differences=[difference_of(one, reveal) for one in differences_of(target, meant)],
        target=await run_sync(preview_of, meant, reveal, service.context()) if meant else None,
    )


@router.post(f"{ONE}:approve", responses={200: {"headers": ETAG}, **documented(404, 409, 412, 428, 504)})
async def approve(
    service: Service,
    caller: CallerOf,
    target_id: str,
    response: Response,
    if_match: Seen = "",
    reveal: Reveal = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> TargetOut:
    """Bring what somebody else proposes into force. `If-Match` names the revision that was looked at."""
    target = await run_sync(service.changes.approve, caller, target_id, _seen(if_match))
    await settle(service, wait, timeout, target)
    identify(response, target)
    return await shown(service, target, reveal)


@router.post(f"{ONE}:reject", responses={200: {"headers": ETAG}, **documented(400, 404, 409, 412, 413, 415, 428)})
async def reject(
    service: Service,
    caller: CallerOf,
    target_id: str,
    response: Response,
    body: RejectionIn | None = None,
    if_match: Seen = "",
) -> TargetOut:
    """Decide that what is proposed does not come into force; who proposed it may take it back."""
    reason = body.reason if body else ""
    target = await run_sync(service.changes.reject, caller, target_id, _seen(if_match), reason)
    await settle(service, None, 0, target)
    identify(response, target)
    return await shown(service, target, False)


class ProposedOf(NamedTuple):
    """A target, and what is proposed of it."""

    target: ForgetTarget
    change: ProposedChange


async def found_proposed(service: AdminService, target_id: str) -> ProposedOf:
    """Return a target and what is proposed of it, or was rejected last. Raises UnknownTarget."""
    target = await run_sync(service.registry.get, target_id)
    change = await run_sync(service.registry.approvals.change, target_id)
    if change is None:
        raise UnknownTarget("nothing is proposed of this target")
    return ProposedOf(target, change)


def target_proposed(target: ForgetTarget, change: ProposedChange) -> ForgetTarget | None:
    """Return what an open change has the target become, None for its end and for what was decided."""
    if not change.is_open or change.kind is ChangeKind.REVOKE:
        return None
    return target if change.draft is None else target_like(change.draft)


def differences_of(target: ForgetTarget, meant: ForgetTarget | None) -> list[Difference]:
    """Return how what a target is to become differs from what is in force; nothing for a new one and an end."""
    return target_differences(target, meant) if meant is not None else []


def difference_of(one: Difference, reveal: bool) -> DifferenceOut:
    """Return the response body of a difference."""
    show = masked if one.is_text and not reveal else str
    return DifferenceOut(member=one.member, removed=[*map(show, one.removed)], added=[*map(show, one.added)])


def _seen(if_match: str) -> int:
    """Return the revision of an `If-Match`. One that fits any revision was not looked at."""
    named = re.fullmatch(r'\s*"(\d{1,15})"\s*', if_match)
    if named is None:
        raise Refused(
            428, "precondition_required", "name the revision that you have seen in If-Match", field="If-Match"
        )
    return int(named[1])
