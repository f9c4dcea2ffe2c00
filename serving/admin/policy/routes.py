"""Routes for policy versions: their difference, and the way back to one."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from guard.registry.history.versions import VersionChange
from guard.targets.policy_changes import Change
from guard.targets.target import Kind, State
from serving.admin.approval.routes import difference_of
from serving.admin.auth import CallerOf
from serving.admin.problems import documented
from serving.admin.requests import NO_BOOLEAN
from serving.admin.service import Service
from serving.admin.targets import Reveal, Timeout, Wait, settle
from serving.approval.bodies import DifferenceOut

router = APIRouter(tags=["policy"])
MAX_VERSION = 2**53


class VersionChangeOut(BaseModel):
    """What became of a target from one policy version to another."""

    target_id: str
    kind: Kind
    change: Change
    before: int | None = Field(description="Its revision in the first version; null where it was not in force.")
    after: int | None = Field(description="Its revision in the second one.")
    differences: list[DifferenceOut] | None = Field(
        description="Null where it was added or has ended, or one of the revisions is not kept."
    )


class PolicyDiff(BaseModel):
    """What became of the targets from one policy version to another, the latest change first; `next_cursor`
    continues with earlier ones, null at the end."""

    older: int
    newer: int
    changes: list[VersionChangeOut]
    next_cursor: str | None


class RollbackIn(BaseModel):
    """The policy version to go back to."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=0, lt=MAX_VERSION), NO_BOOLEAN]


class RollbackOut(BaseModel):
    """What was done to get back to a policy version, and what cannot be brought back."""

    version: int = Field(description="The policy version that was gone back to.")
    policy_version: int = Field(description="The policy version of now.")
    changed: list[str] = Field(description="Targets that are as they were.")
    revoked: list[str] = Field(description="Targets that were added since, and have ended.")
    proposed: list[str] = Field(description="Targets whose change or end waits for approval.")
    erased: list[str] = Field(description="Targets that were in force and whose texts are erased: they stay so.")
    not_kept: list[str] = Field(description="Targets whose revision of then is not kept: they stay as they are.")
    refused: list[str] = Field(
        description="Targets that stay as they are: the name is taken, the end past, or another change waits."
    )


@router.get("/admin/v1/policy/diff", responses=documented(404))
async def diff(
    service: Service,
    older: Annotated[int, Query(ge=0, lt=MAX_VERSION, alias="from", description="The first policy version.")],
    newer: Annotated[int, Query(ge=0, lt=MAX_VERSION, alias="to", description="The second one.")],
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.")] = None,
    reveal: Reveal = False,
) -> PolicyDiff:
    """Return what became of each target from one policy version to another; texts are masked."""
    found = await run_sync(service.registry.versions.diff, older, newer, cursor, limit)
    if reveal:
        shown = [one.target_id for one in found.items if one.differences]
        await run_sync(service.registry.note_revealed, shown)
    changes = [_out(one, reveal) for one in found.items]
    return PolicyDiff(older=older, newer=newer, changes=changes, next_cursor=found.next)


@router.post("/admin/v1/policy:rollback", responses=documented(400, 404, 409, 412, 413, 415, 504))
async def rollback(
    service: Service,
    caller: CallerOf,
    body: RollbackIn,
    dry_run: Annotated[bool, Query(description="Return what would be done; change nothing.")] = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> RollbackOut:
    """Make the targets what they were at a policy version, under a new one. What was erased stays erased."""
    way = await run_sync(service.registry.versions.way_back, body.version)
    done = await run_sync(service.changes.go_back, caller, way.steps, dry_run)
    if not dry_run and done.targets:
        await settle(service, wait, timeout, *done.targets)
    return RollbackOut(
        version=body.version,
        policy_version=await run_sync(service.registry.version),
        changed=[target.id for target in done.targets if target.state is State.ACTIVE],
        revoked=[target.id for target in done.targets if target.state is not State.ACTIVE],
        proposed=done.proposed,
        erased=way.erased,
        not_kept=way.not_kept,
        refused=[*way.refused, *done.refused],
    )


def _out(one: VersionChange, reveal: bool) -> VersionChangeOut:
    shown = None if one.differences is None else [difference_of(each, reveal) for each in one.differences]
    return VersionChangeOut(
        target_id=one.target_id,
        kind=one.kind,
        change=one.change,
        before=one.before,
        after=one.after,
        differences=shown,
    )
