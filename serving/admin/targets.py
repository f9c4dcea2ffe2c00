"""Forget targets over HTTP: add, list, read, change, revoke."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Response

from guard.errors import StaleRevision, UnknownTarget
from guard.registry.drafts import Added
from guard.targets.target import ForgetTarget, State
from serving.access.rights import Right
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
        **documented(400, 409, 413, 415, 504),
    },
)
async def add(
    service: Service,
    caller: CallerOf,
    body: TargetIn,
    response: Response,
    reveal: Reveal = False,
    dry_run: Annotated[bool, Query(description="Validate and extract phrases; store nothing.")] = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> TargetOut | Preview:
    """Add a forget target. Its `forbidden` phrases are the given and the extracted ones."""
    _refuse_past([body])
    if dry_run:
        response.status_code = 200
        target = await run_sync(service.registry.preview, body.draft())
        return preview_of(target, reveal, service.context())
    caller.require_enforce([body.draft()])
    target = await run_sync(lambda: service.registry.add(body.draft()))
    await settle(service, wait, timeout, target.id)
    identify(response, target)
    response.headers["Location"] = f"{PATH}/{target.id}"
    return target_of(target, reveal)


@router.post(f"{PATH}:batch", status_code=201, responses=documented(400, 409, 413, 415, 504))
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
        caller.require_enforce(drafts)
        registry = service.registry
        return registry.add_missing(drafts) if skip_existing else Added(registry.add_many(drafts), [])

    # In one thread, not one after another: each waits for its turn beside the streams.
    added = await run_sync(store)
    ids = [target.id for target in added.targets]
    await settle(service, wait, timeout, *ids)
    return BatchOut(ids=ids, existing=added.existing)


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
    return TargetPage(targets=[target_of(target, reveal) for target in found.items], next_cursor=found.next)


@router.get(ONE, responses={200: {"headers": ETAG}, **documented(404)})
async def one(service: Service, target_id: str, response: Response, reveal: Reveal = False) -> TargetOut:
    """Read an active forget target."""
    target = await active(service, target_id)
    identify(response, target)
    return target_of(target, reveal)


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
    """Change an active forget target. `If-Match` is required, so that no concurrent change is lost."""
    current = await active(service, target_id)
    if not if_match:
        raise Refused(428, "precondition_required", "name the revision to change in If-Match", field="If-Match")
    _match(if_match, current)
    _refuse_past([body])
    draft = body.merged(current.draft)
    caller.require_enforce([current.draft, draft])
    target = await run_sync(service.registry.change, target_id, draft, current.revision)
    await settle(service, wait, timeout, target_id)
    identify(response, target)
    return target_of(target, reveal)


@router.delete(ONE, status_code=204, responses=documented(404, 412, 504))
async def revoke(
    service: Service,
    caller: CallerOf,
    target_id: str,
    if_match: IfMatch = "",
    wait: Wait = None,
    timeout: Timeout = 60,
) -> None:
    """Revoke an active forget target: it is no longer enforced, and its texts are erased."""
    current = await active(service, target_id)
    if if_match:
        _match(if_match, current)
    caller.require_enforce([current.draft])
    # Who may not enforce ends no target that was enforced meanwhile.
    is_exact = bool(if_match) or not caller.may(Right.ENFORCE)
    await run_sync(service.registry.revoke, target_id, current.revision if is_exact else None)
    await settle(service, wait, timeout, target_id)


async def active(service: AdminService, target_id: str) -> ForgetTarget:
    """Return the target if it is active; raise UnknownTarget."""
    target = await run_sync(service.registry.get, target_id)
    if target.state is not State.ACTIVE:
        raise UnknownTarget(f"this forget target is {target.state}; the list shows what remains of it")
    return target


async def settle(service: AdminService, wait: str | None, timeout: int, *ids: str) -> None:
    """Have a change of targets applied; if `wait` says so, wait until all live replicas and the workers of their
    engines enforce it.

    Refused after `timeout` seconds, with the names of those that do not.
    """
    service.applier.notify()
    if wait is None:
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
    response.headers["ETag"] = _etag(target)


def _etag(target: ForgetTarget) -> str:
    return f'"{target.revision}"'


def _match(if_match: str, current: ForgetTarget) -> None:
    # A list matches by any member; weak tags, which a compressing proxy makes, never do (RFC 9110).
    if if_match.strip() != "*" and _etag(current) not in (tag.strip() for tag in if_match.split(",")):
        raise StaleRevision(f"the target stands at revision {current.revision}", field="If-Match")
