"""Policy versions: what changed from one to another."""

from __future__ import annotations

from typing import NamedTuple

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from guard.registry.search import EventSearch
from guard.targets.policy_changes import TargetChange, net_changes
from serving.admin.service import AdminService
from serving.desk.context import desk_of
from serving.desk.pages.observed import number_of
from serving.desk.rendering import HOME, render

POLICY = f"{HOME}/policy"
LATEST = 10
"""Versions that are looked back on where none is named."""
MAX_EVENTS = 2_000


class Changes(NamedTuple):
    """What changed after version `older` up to `newer`; `is_whole`: whether all of it is shown."""

    older: int
    newer: int
    stored: int
    enforced: int
    rows: list[TargetChange]
    is_whole: bool


async def policy(request: Request) -> Response:
    """Show the net change of each target between two versions, by default the latest ones."""
    query = request.query_params
    service = desk_of(request).service
    found = await run_sync(_changes, service, number_of(query.get("from")), number_of(query.get("to")))
    return render(request, "policy", found=found)


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
    )
