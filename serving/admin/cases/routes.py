"""Routes for cases: what was received when, what is due, and what is overdue."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from guard.registry.outside.cases import Case, CaseState
from serving.admin.problems import documented
from serving.admin.requests import Moment
from serving.admin.service import Service

PATH = "/admin/v1/cases"
ONE = f"{PATH}/{{target_id}}"

router = APIRouter(tags=["cases"])


class CaseIn(BaseModel):
    """A request to forget."""

    model_config = ConfigDict(extra="forbid")

    received_at: Moment
    due_at: Moment | None = Field(None, description="null: a month after it was received.")
    requester: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._:/#-]{0,64}$",
        description="A reference, of a ticket or a customer: letters, digits and ._:/#-, no name.",
    )
    closed_at: Moment | None = Field(None, description="When it was answered.")


class CaseOut(BaseModel):
    """A request to forget, and whether its answer is due."""

    target_id: str
    received_at: datetime
    due_at: datetime
    requester: str
    closed_at: datetime | None
    state: CaseState


class CaseList(BaseModel):
    """Cases, the first due first."""

    cases: list[CaseOut]
    next_cursor: int | None


@router.put(ONE, responses=documented(400, 404, 413, 415))
async def put_case(service: Service, target_id: str, body: CaseIn) -> CaseOut:
    """Store when a request to forget a target came and until when it must be answered, or that it was."""
    case = Case(
        target_id=target_id,
        received_at=body.received_at,
        due_at=body.due_at or a_month_after(body.received_at),
        requester=body.requester,
        closed_at=body.closed_at,
    )
    await run_sync(service.registry.cases.put, case)
    return await get_case(service, target_id)


@router.get(ONE, responses=documented(404))
async def get_case(service: Service, target_id: str) -> CaseOut:
    """Return the case of a target."""
    return _out(await run_sync(service.registry.cases.get, target_id), datetime.now(UTC))


@router.get(PATH, responses=documented())
async def cases(
    service: Service,
    state: Annotated[
        CaseState | None, Query(description="Only cases in this state; those overdue are open too.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int, Query(ge=0, lt=2**53, description="`next_cursor` of the previous page.")] = 0,
) -> CaseList:
    """List cases, the first due first."""
    now = datetime.now(UTC)
    page = await run_sync(service.registry.cases.list, state, now, cursor, limit)
    return CaseList(cases=[_out(case, now) for case in page.cases], next_cursor=page.next)


def a_month_after(at: datetime) -> datetime:
    """Return the same day of the next month, or its last day: the time that Article 12 (3) of the GDPR gives."""
    year, month = (at.year + 1, 1) if at.month == 12 else (at.year, at.month + 1)
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


def _out(case: Case, now: datetime) -> CaseOut:
    return CaseOut(
        target_id=case.target_id,
        received_at=case.received_at,
        due_at=case.due_at,
        requester=case.requester,
        closed_at=case.closed_at,
        state=case.state(now),
    )
