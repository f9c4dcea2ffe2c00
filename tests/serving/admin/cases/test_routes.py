from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from guard.targets.target import Draft
from serving.admin.cases.routes import a_month_after
from tests.serving.admin_plane import KEY, URL, Plane

pytestmark = pytest.mark.anyio
PATH = "/admin/v1/cases"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    yield plane
    plane.registry.close()


@pytest.fixture
async def http(plane: Plane) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(plane.app())
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
        yield client


async def test_a_case_is_due_a_month_after_it_came(http: httpx.AsyncClient, plane: Plane) -> None:
    id = plane.registry.add(Draft(name="Ada Quillfeather")).id
    body = {"received_at": "2026-01-31T10:00:00+02:00", "requester": "T-4711"}
    made = (await http.put(f"{PATH}/{id}", json=body)).json()
    assert made["due_at"] == "2026-02-28T08:00:00Z"
    assert (made["state"], made["requester"], made["closed_at"]) == ("overdue", "T-4711", None)
    assert (await http.get(f"{PATH}/{id}")).json() == made
    assert (await http.get(PATH, params={"state": "overdue"})).json() == {"cases": [made], "next_cursor": None}
    closed = await http.put(f"{PATH}/{id}", json={**body, "closed_at": "2026-02-20T00:00:00Z"})
    assert closed.json()["state"] == "closed"
    assert (await http.get(PATH, params={"state": "open"})).json()["cases"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"received_at": "2026-01-31"},
        {"received_at": "2026-01-31T10:00:00"},
        {"received_at": "2026-01-31T10:00:00Z", "requester": "Ada Quillfeather"},
        {"received_at": "2026-01-31T10:00:00Z", "requester": "T" * 65},
        {"received_at": "2026-01-31T10:00:00Z", "name": "Ada"},
        {"received_at": "2026-01-31T10:00:00Z", "closed_at": 0},
    ],
)
async def test_a_case_that_cannot_be_is_refused(
    http: httpx.AsyncClient, plane: Plane, body: dict[str, Any]
) -> None:
    id = plane.registry.add(Draft(name="Ada Quillfeather")).id
    answer = await http.put(f"{PATH}/{id}", json=body)
    assert answer.status_code == 422
    assert "Quillfeather" not in answer.text


async def test_a_target_that_is_none_has_no_case(http: httpx.AsyncClient) -> None:
    body = {"received_at": "2026-01-31T10:00:00Z"}
    for answer in (await http.put(f"{PATH}/ft_0", json=body), await http.get(f"{PATH}/ft_0")):
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_target")


@pytest.mark.parametrize(
    ("came", "due"),
    [
        ((2026, 1, 31), (2026, 2, 28)),
        ((2028, 1, 31), (2028, 2, 29)),
        ((2026, 12, 5), (2027, 1, 5)),
        ((2026, 3, 31), (2026, 4, 30)),
    ],
)
def test_a_month_ends_where_the_next_one_has_no_such_day(
    came: tuple[int, int, int], due: tuple[int, int, int]
) -> None:
    assert a_month_after(datetime(*came, 9, tzinfo=UTC)) == datetime(*due, 9, tzinfo=UTC)  # type: ignore[misc]
