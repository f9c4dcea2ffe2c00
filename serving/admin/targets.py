"""Forget targets over HTTP: add, list, read, change, revoke."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from guard.errors import StaleRevision, UnknownTarget
from guard.registry.drafts import Added
from guard.targets.target import ForgetTarget, State
from serving.admin.auth import CallerOf
from serving.admin.problems import Refused, documented
from serving.admin.requests import Batch, TargetIn, TargetPatch
from serving.admin.responses import BatchOut, Preview, TargetOut, TargetPage, preview_of, target_of
from serving.admin.service import AdminService, Service

PATH = "/admin/v1/targets"
ONE = f"{PATH}/{{target_id}}"

router = APIRouter(tags=["forget targets"])

Reveal = Annotated[bool, Query(description="Return the texts of targets instead of their lengths.")]
Wait = Annotated[Literal["applied"] | None, Query(description="Respond when the change is enforced.")]
Timeout = Annotated[int, Query(ge=1, le=600, description="Seconds to wait; then the response is 504.")]
IfMatch = Annotated[str, Header(description="ETag of the expected revision, or `*` for any.")]

ETAG = {"ETag": {"schema": {"type": "string"}, "description": "The revision."}}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Path of the target."}}


@router.post(
    PATH,
    status_code=201,
    response_model=None,
    responses={
        201: {"model": TargetOut, "headers": ETAG | _LOCATION, "description": "Stored"},
        200: {"model": Preview, "description": "With `dry_run=true`: what would be stored"},
        **documented(400, 409, 412, 413, 415, 504),
    },
)
async def add(
    service: Service,
    caller: CallerOf,
    body: TargetIn,
    response: Response,
    reveal: Reveal = False,
    dry_run: Annotated[bool, Query(description="Validate and extract phrases; store nothing.")] = False,
    urgent: Annotated[bool, Query(description="Enforce it before a second person approves it.")] = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> TargetOut | Preview:
    """Add a forget target. Its `forbidden` phrases are the given and the extracted ones."""
    _refuse_past([body])
    if dry_run:
        response.status_code = 200
        target = await run_sync(service.registry.preview, body.draft())
        return preview_of(target, reveal, service.context())
    target = await run_sync(lambda: service.changes.add_one(caller, body.draft(), urgent=urgent))
    await settle(service, wait, timeout, target)
    identify(response, target)
    response.headers["Location"] = f"{PATH}/{target.id}"
    return await shown(service, target, reveal)


@router.post(f"{PATH}:batch", status_code=201, responses=documented(400, 409, 412, 413, 415, 504))
async def add_many(
    service: Service,
    caller: CallerOf,
    body: Batch,
    skip_existing: Annotated[bool, Query(description="Leave out targets whose kind and name are there.")] = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> BatchOut:
    """Add forget targets under one policy version: all of them, or none."""

    def store() -> Added:
        bodies = body.read()
        _refuse_past(bodies)
        drafts = [target.draft() for target in bodies]
        return service.changes.add(caller, drafts, skip_existing=skip_existing)

    # In one thread, not one after another: each waits for its turn beside the streams.
    added = await run_sync(store)
    await settle(service, wait, timeout, *added.targets)
    proposed = [target.id for target in added.targets if target.state is State.PROPOSED]
    return BatchOut(ids=[target.id for target in added.targets], existing=added.existing, proposed=proposed)


@router.get(PATH, responses=documented(404))
async def page(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.")] = None,
    state: Annotated[State | None, Query(description="Only targets in this state.")] = None,
    reveal: Reveal = False,
) -> TargetPage:
    """List forget targets in the order they were added, including revoked and expired ones."""
    found = await run_sync(service.registry.list, cursor, limit, state)
    changes = await run_sync(service.registry.approvals.changes, [target.id for target in found.items])
    shown = [target_of(target, reveal, changes.get(target.id)) for target in found.items]
    return TargetPage(targets=shown, next_cursor=found.next)


@router.get(ONE, responses={200: {"headers": ETAG}, **documented(404)})
async def one(service: Service, target_id: str, response: Response, reveal: Reveal = False) -> TargetOut:
    """Read a forget target that is active, or proposed."""
    target = await undecided(service, target_id)
    identify(response, target)
    return await shown(service, target, reveal)


@router.patch(
    ONE,
    responses={200: {"headers": ETAG}, **documented(400, 404, 409, 412, 413, 415, 428, 504)},
)
async def change(
    service: Service,
    caller: CallerOf,
    target_id: str,
    body: TargetPatch,
    response: Response,
    if_match: IfMatch = "",
    reveal: Reveal = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> TargetOut:
    """Change a forget target that is active, or proposed. `If-Match` is required, so that no change is lost.

    Where the change waits for approval, the answer is the target as it stands until then, with what is `proposed`.
    """
    current = await undecided(service, target_id)
    if not if_match:
        raise Refused(428, "precondition_required", "name the revision to change in If-Match", field="If-Match")
    match(if_match, current.revision)
    _refuse_past([body])
    target = await run_sync(service.changes.change, caller, current, body.merged(current.draft))
    await settle(service, wait, timeout, target)
    identify(response, target)
    return await shown(service, target, reveal)


@router.delete(
    ONE,
    status_code=204,
    response_class=Response,
    responses={
        204: {"description": "It has ended"},
        202: {"model": TargetOut, "headers": ETAG, "description": "Its end waits for approval"},
        **documented(404, 409, 412, 504),
    },
)
async def revoke(
    service: Service,
    caller: CallerOf,
    target_id: str,
    if_match: IfMatch = "",
    wait: Wait = None,
    timeout: Timeout = 60,
) -> Response:
    """Revoke a forget target: it is no longer enforced, and its texts are erased. One that is proposed ends too.

    Where its end waits for approval, the answer is 202 with the target, which is enforced until then.
    """
    current = await undecided(service, target_id)
    if if_match:
        match(if_match, current.revision)
    target = await run_sync(lambda: service.changes.revoke(caller, current, is_exact=bool(if_match)))
    if target.state is State.ACTIVE:
        response = JSONResponse((await shown(service, target, False)).model_dump(mode="json"), 202)
        identify(response, target)
        return response
    await settle(service, wait, timeout, target)
    return Response(status_code=204)


async def active(service: AdminService, target_id: str) -> ForgetTarget:
    """Return the target if it is active; raise UnknownTarget."""
    target = await run_sync(service.registry.get, target_id)
    if target.state is not State.ACTIVE:
        raise UnknownTarget(f"this forget target is {target.state}; the list shows what remains of it")
    return target


async def undecided(service: AdminService, target_id: str) -> ForgetTarget:
    """Return the target if it is active, or proposed; raise UnknownTarget."""
    target = await run_sync(service.registry.get, target_id)
    return target if target.state is State.PROPOSED else await active(service, target_id)


async def shown(service: AdminService, target: ForgetTarget, reveal: bool) -> TargetOut:
    """Return the response body of a target, with what is proposed of it."""
    return target_of(target, reveal, await run_sync(service.registry.approvals.change, target.id))


async def settle(service: AdminService, wait: str | None, timeout: int, *targets: ForgetTarget) -> None:
    """Have a change of targets applied; if `wait` says so, wait until all live replicas and the workers of their
    engines enforce it. Nothing is waited for where all of it waits for approval.

    Refused after `timeout` seconds, with the names of those that do not.
    """
    service.applier.notify()
    ids = [target.id for target in targets if target.state not in (State.PROPOSED, State.REJECTED)]
    if wait is None or (targets and not ids):
        return
    ends = time.monotonic() + timeout
    version = await run_sync(service.registry.version)
    where = ""
    if await service.applier.wait(version, timeout, ids):
        where = await _behind(service, version, ends)
        if not where:
            return
    raise Refused(
        504,
        "not_applied_in_time",
        f"the change is stored, and not yet enforced{where} after {timeout} seconds",
        instance=f"{PATH}/{ids[0]}" if len(ids) == 1 else None,
    )


async def _behind(service: AdminService, version: int, ends: float) -> str:
    """Return by whom `version`, which this process enforces, is not enforced when the time `ends` has come."""
    if not await service.workers.acknowledged(version, max(0.0, ends - time.monotonic())):
        return " by a worker of the engine"
    behind = await service.lease.behind(version, max(0.0, ends - time.monotonic()))
    return f" by {', '.join(one.name for one in behind)}" if behind else ""


def _refuse_past(bodies: Iterable[TargetPatch]) -> None:
    now = datetime.now(UTC)
    if any(body.expires_at is not None and body.expires_at <= now for body in bodies):
        raise Refused(409, "expires_in_past", "a target cannot end before it begins", field="expires_at")


def identify(response: Response, target: ForgetTarget) -> None:
    """Give the response the target's ETag."""
    response.headers["ETag"] = f'"{target.revision}"'


def match(if_match: str, revision: int) -> None:
    """Raise StaleRevision if an `If-Match` does not name the revision."""
    # A list matches by any member; weak tags, which a compressing proxy makes, never do (RFC 9110).
    if if_match.strip() != "*" and f'"{revision}"' not in (tag.strip() for tag in if_match.split(",")):
        raise StaleRevision(f"it stands at revision {revision}", field="If-Match")
