"""Policy versions: what changed from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from guard.registry.registry import Registry
from guard.registry.search import EventSearch
from guard.targets.policy_changes import TargetChange, net_changes
from guard.targets.target import State
from serving.admin.service import AdminService
from serving.desk.context import caller_of, desk_of, form_of
from serving.desk.pages.observed import number_of
from serving.desk.rendering import HOME, render

POLICY = f"{HOME}/policy"
LATEST = 10
"""Versions that are looked back on where none is named."""
MAX_EVENTS = 2_000


class Changes(NamedTuple):
    """What changed after version `older` up to `newer`; `is_whole`: whether all is shown, `members`: in which
    members targets differ, where both revisions are kept."""

    older: int
    newer: int
    stored: int
    enforced: int
    rows: list[TargetChange]
    is_whole: bool
    members: Mapping[str, list[str]]


class WentBack(NamedTuple):
    """What a rollback has done: the version that was gone back to, and how many targets became what."""

    version: int
    counts: Mapping[str, int]


async def policy(request: Request) -> Response:
    """Show the net change of each target between two versions, by default the latest ones."""
    query = request.query_params
    return await _page(request, number_of(query.get("from")), number_of(query.get("to")), None)


async def rollback(request: Request) -> Response:
    """Make the targets what they were at a version, or propose that, and show what was done."""
    service, caller = desk_of(request).service, caller_of(request)
    version = number_of(str(form_of(request).get("version")))
    way = await run_sync(service.registry.versions.way_back, -1 if version is None else version)
    done = await run_sync(service.changes.go_back, caller, way.steps)
    service.applier.notify()
    counts = {
        "changed": sum(target.state is State.ACTIVE for target in done.targets),
        "revoked": sum(target.state is not State.ACTIVE for target in done.targets),
        "proposed": len(done.proposed),
        "erased": len(way.erased),
        "left": len(way.not_kept) + len(way.refused) + len(done.refused),
    }
    return await _page(request, None, None, WentBack(way.version, counts))


async def _page(request: Request, older: int | None, newer: int | None, went: WentBack | None) -> Response:
    found = await run_sync(_changes, desk_of(request).service, older, newer)
    return render(request, "policy", found=found, went=went)


def _changes(service: AdminService, older: int | None, newer: int | None) -> Changes:
    stored = service.registry.version()
    newest = stored if newer is None else min(newer, stored)
    oldest = max(0, newest - LATEST) if older is None else min(older, newest)
    search = EventSearch(after_version=oldest, upto_version=newest)
    events = service.registry.latest_events(search, None, MAX_EVENTS + 1)
    return Changes(
        older=oldest,
        newer=newest,
        stored=stored,
        enforced=service.enforced().version,
        rows=net_changes(reversed(events[:MAX_EVENTS])),
        is_whole=len(events) <= MAX_EVENTS,
        members=_members(service.registry, oldest, newest) if len(events) <= MAX_EVENTS else {},
    )


def _members(registry: Registry, older: int, newer: int) -> dict[str, list[str]]:
    found = registry.versions.diff(older, newer, limit=MAX_EVENTS)
    return {one.target_id: [each.member for each in one.differences or ()] for one in found.items}
