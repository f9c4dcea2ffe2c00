"""Verdicts and audit trail, with filters."""

from __future__ import annotations

from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from guard.registry.search import EventSearch
from guard.targets.audit_log import Action
from guard.targets.target import Mode
from serving.desk.context import desk_of
from serving.desk.pages.targets import choice
from serving.desk.rendering import HOME, render

PAGE_ROWS = 100
VERDICTS, AUDIT = f"{HOME}/verdicts", f"{HOME}/audit"
_MAX_SEQ = 2**53


async def verdicts(request: Request) -> Response:
    """Show which requests touched which targets, newest first."""
    query = request.query_params
    mode, target_id = choice(Mode, query.get("mode")), query.get("target_id", "").strip()
    log = desk_of(request).service.verdicts
    found = await run_sync(log.page, number_of(query.get("before")), PAGE_ROWS, mode, target_id or None)
    asked = {"mode": mode or "", "target_id": target_id}
    return render(
        request,
        "verdicts",
        rows=found.items,
        query=asked,
        modes=[*Mode],
        older=_older(VERDICTS, asked, found.next),
    )


async def audit(request: Request) -> Response:
    """Show what was done to which target, newest first, and whether the events of the page are unaltered."""
    query = request.query_params
    search = EventSearch(action=choice(Action, query.get("action")), target_id=query.get("target_id", "").strip())
    registry = desk_of(request).service.registry
    events = await run_sync(registry.latest_events, search, number_of(query.get("before")), PAGE_ROWS + 1)
    shown = events[:PAGE_ROWS]
    asked = {"action": search.action or "", "target_id": search.target_id}
    # All from the oldest on the page on, those between that the filters leave out too.
    after, count = (shown[-1].seq - 1, shown[0].seq - shown[-1].seq + 1) if shown else (0, 0)
    return render(
        request,
        "audit",
        rows=shown,
        broken=await run_sync(registry.first_broken_event, after, count),
        query=asked,
        actions=[*Action],
        older=_older(AUDIT, asked, shown[-1].seq if len(events) > PAGE_ROWS else None),
    )


def number_of(text: str | None) -> int | None:
    """Return the number that a parameter of an address is, None if it is none."""
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 17 else None
    return None if number is None else min(number, _MAX_SEQ)


def _older(place: str, asked: dict[str, str], before: int | None) -> str:
    return f"{place}?{urlencode({**asked, 'before': before})}" if before else ""
