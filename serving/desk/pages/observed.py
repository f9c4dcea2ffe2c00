"""Verdicts and audit trail, with filters: page by page, followed as they come, and exported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from guard.registry.search import EventSearch
from guard.targets.audit_log import Action
from guard.targets.target import Mode
from serving.admin.observed import EventOut, VerdictOut, event_of, verdict_of
from serving.desk.context import desk_of
from serving.desk.gate import is_polled
from serving.desk.pages.targets import choice
from serving.desk.rendering import HOME, render

PAGE_ROWS = 100
EXPORT_ROWS = 500
"""Rows that are read at once for a file."""
VERDICTS, AUDIT = f"{HOME}/verdicts", f"{HOME}/audit"
CSV, JSON_LINES = "csv", "jsonl"
MEDIA_TYPES = {CSV: "text/csv; charset=utf-8", JSON_LINES: "application/jsonl"}
_MAX_SEQ = 2**53
# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Following(NamedTuple):
    """Whether a page shows new rows as they come; addresses where it does and does not, and that it polls."""

    is_on: bool
    on: str
    off: str
    poll: str


class VerdictSearch(NamedTuple):
    """Which verdicts are meant: of a mode, of a target; None for all."""

    mode: Mode | None
    target_id: str | None


async def verdicts(request: Request) -> Response:
    """Show which requests touched which targets, newest first."""
    search, before = _verdict_search(request), number_of(request.query_params.get("before"))
    log = desk_of(request).service.verdicts
    found = await run_sync(log.page, before, PAGE_ROWS, search.mode, search.target_id)
    newest = found.items[0].seq if found.items else 0
    if _is_seen(request, newest):
        return Response(status_code=204)
    asked = {"mode": search.mode or "", "target_id": search.target_id or ""}
    return render(
        request,
        "verdicts",
        rows=found.items,
        query=asked,
        modes=[*Mode],
        older=_older(VERDICTS, asked, found.next),
        following=None if before else _following(request, VERDICTS, asked, newest),
        exports=_exports(VERDICTS, asked),
    )


async def audit(request: Request) -> Response:
    """Show what was done to which target, newest first, and whether the events of the page are unaltered."""
    search, before = _event_search(request), number_of(request.query_params.get("before"))
    registry = desk_of(request).service.registry
    events = await run_sync(registry.latest_events, search, before, PAGE_ROWS + 1)
    shown = events[:PAGE_ROWS]
    newest = shown[0].seq if shown else 0
    if _is_seen(request, newest):
        return Response(status_code=204)
    asked = {"action": search.action or "", "target_id": search.target_id}
    # All from the oldest on the page on, those between that the filters leave out too.
    after, count = (shown[-1].seq - 1, newest - shown[-1].seq + 1) if shown else (0, 0)
    return render(
        request,
        "audit",
        rows=shown,
        broken=await run_sync(registry.first_broken_event, after, count),
        query=asked,
        actions=[*Action],
        older=_older(AUDIT, asked, shown[-1].seq if len(events) > PAGE_ROWS else None),
        following=None if before else _following(request, AUDIT, asked, newest),
        exports=_exports(AUDIT, asked),
    )


async def export_verdicts(request: Request) -> Response:
    """Send all verdicts that the filters of the page let through, newest first."""
    log, search = desk_of(request).service.verdicts, _verdict_search(request)

    def page(before: int | None) -> list[VerdictOut]:
        return [verdict_of(one) for one in log.page(before, EXPORT_ROWS, search.mode, search.target_id).items]

    return _file(request, "verdicts", VerdictOut, page)


async def export_audit(request: Request) -> Response:
    """Send all events of the audit trail that the filters of the page let through, newest first."""
    registry, search = desk_of(request).service.registry, _event_search(request)

    def page(before: int | None) -> list[EventOut]:
        return [event_of(one) for one in registry.latest_events(search, before, EXPORT_ROWS)]

    return _file(request, "audit", EventOut, page)


def number_of(text: str | None) -> int | None:
    """Return the number that a parameter of an address is, None if it is none."""
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) < 17 else None
    return None if number is None else min(number, _MAX_SEQ)


def _verdict_search(request: Request) -> VerdictSearch:
    query = request.query_params
    return VerdictSearch(choice(Mode, query.get("mode")), query.get("target_id", "").strip() or None)


def _event_search(request: Request) -> EventSearch:
    query = request.query_params
    return EventSearch(action=choice(Action, query.get("action")), target_id=query.get("target_id", "").strip())


def _older(place: str, asked: dict[str, str], before: int | None) -> str:
    return f"{place}?{urlencode({**asked, 'before': before})}" if before else ""


def _following(request: Request, place: str, asked: dict[str, str], newest: int) -> Following:
    on = urlencode({**asked, "follow": "yes"})
    return Following(
        is_on="follow" in request.query_params,
        on=f"{place}?{on}",
        off=f"{place}?{urlencode(asked)}",
        poll=f"{place}?{on}&seen={newest}",
    )


def _is_seen(request: Request, newest: int) -> bool:
    """Return whether a page that is followed shows the newest row already: then it stays as it is."""
    return is_polled(request) and number_of(request.query_params.get("seen")) == newest


def _exports(place: str, asked: dict[str, str]) -> dict[str, str]:
    return {form: f"{place}/export?{urlencode({**asked, 'format': form})}" for form in MEDIA_TYPES}


def _file(
    request: Request,
    name: str,
    kind: type[BaseModel],
    page: Callable[[int | None], Sequence[VerdictOut | EventOut]],
) -> Response:
    form = CSV if request.query_params.get("format") == CSV else JSON_LINES
    headers = {"content-disposition": f'attachment; filename="{name}.{form}"'}
    rows = _as_csv(kind, page) if form == CSV else _as_lines(page)
    return StreamingResponse(rows, media_type=MEDIA_TYPES[form], headers=headers)


async def _as_lines(page: Callable[[int | None], Sequence[VerdictOut | EventOut]]) -> AsyncIterator[str]:
    async for rows in _pages(page):
        yield "".join(f"{row.model_dump_json()}\n" for row in rows)


async def _as_csv(
    kind: type[BaseModel], page: Callable[[int | None], Sequence[VerdictOut | EventOut]]
) -> AsyncIterator[str]:
    yield _csv_lines([list(kind.model_fields)])
    async for rows in _pages(page):
        yield _csv_lines([[_cell(value) for value in row.model_dump(mode="json").values()] for row in rows])


async def _pages(
    page: Callable[[int | None], Sequence[VerdictOut | EventOut]],
) -> AsyncIterator[Sequence[VerdictOut | EventOut]]:
    before: int | None = None
    while rows := await run_sync(page, before):
        yield rows
        before = rows[-1].seq


def _csv_lines(rows: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
