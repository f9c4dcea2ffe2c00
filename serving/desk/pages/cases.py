"""Cases: requests to forget by the day that they are due; store one, and note that it was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.errors import UnknownTarget
from guard.registry.outside.cases import Case, CaseState
from guard.registry.registry import Registry
from serving.admin.cases.routes import CaseIn, a_month_after
from serving.desk.context import desk_of, form_of, session_of
from serving.desk.pages.fields import faults_of
from serving.desk.pages.observed import number_of
from serving.desk.pages.targets import ALL, choice, shown_name
from serving.desk.rendering import HOME, render

CASES = f"{HOME}/cases"
PAGE_ROWS = 50
_FIELDS = ("target_id", "received_at", "due_at", "requester")


class Row(NamedTuple):
    """A case, and the name of its target; masked unless the session has revealed it, "" if it was erased."""

    case: Case
    state: CaseState
    name: str


async def cases(request: Request) -> Response:
    """Show cases, by default those that are not closed, the first due first."""
    return await _page(request)


async def store(request: Request) -> Response:
    """Store the case of a target; the days that were given begin and end in UTC."""
    form = form_of(request)
    sent = {name: str(form.get(name, "")).strip() for name in _FIELDS}
    try:
        body = CaseIn.model_validate(_members(sent))
        await run_sync(desk_of(request).service.registry.cases.put, _case(sent["target_id"], body))
    except (ValidationError, UnknownTarget) as error:
        return await _page(request, 422, sent=sent, faults=faults_of(error))
    return RedirectResponse(CASES, 303)


async def close(request: Request) -> Response:
    """Note that a request to forget was answered now."""
    registry, id = desk_of(request).service.registry, request.path_params["id"]
    await run_sync(_close, registry, id)
    return RedirectResponse(CASES, 303)


async def _page(request: Request, status: int = 200, **values: Any) -> Response:
    query = request.query_params
    asked = query.get("state", CaseState.OPEN)
    state = choice(CaseState, asked) or (None if asked == ALL else CaseState.OPEN)
    registry, now = desk_of(request).service.registry, datetime.now(UTC)
    page = await run_sync(registry.cases.list, state, now, number_of(query.get("after")) or 0, PAGE_ROWS)
    shown = state or ALL
    blank = dict.fromkeys(_FIELDS, "") | {"target_id": query.get("target", "").strip()}
    return render(
        request,
        "cases",
        status,
        rows=await run_sync(_rows, registry, page.cases, session_of(request).revealed, now),
        shown=shown,
        states=[*CaseState, ALL],
        next=f"{CASES}?{urlencode({'state': shown, 'after': page.next})}" if page.next else "",
        **{"sent": blank, "faults": [], **values},
    )


def _rows(registry: Registry, found: Sequence[Case], revealed: set[str], now: datetime) -> list[Row]:
    return [Row(case, case.state(now), shown_name(registry.get(case.target_id), revealed)) for case in found]


def _members(sent: dict[str, str]) -> dict[str, str | None]:
    due = sent["due_at"]
    return {
        "received_at": f"{sent['received_at']}T00:00:00Z",
        "due_at": f"{due}T23:59:59Z" if due else None,
        "requester": sent["requester"],
    }


def _case(target_id: str, body: CaseIn) -> Case:
    due_at = body.due_at or a_month_after(body.received_at)
    return Case(target_id=target_id, received_at=body.received_at, due_at=due_at, requester=body.requester)


def _close(registry: Registry, id: str) -> None:
    case = registry.cases.get(id)
    registry.cases.put(replace(case, closed_at=datetime.now(UTC)))
