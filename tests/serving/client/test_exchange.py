"""What is sent again, and what never is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import pytest

from serving.client import AdminClient, AdminError, AsyncAdminClient, BadAnswer, Unavailable, Unreachable

TARGET = {"targets": [], "next_cursor": None}
Came = httpx.Response | type[httpx.HTTPError]
OK = httpx.Response(200, json=TARGET)
REFUSED, LOST, SLOW = httpx.ConnectError, httpx.ReadError, httpx.ReadTimeout


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "title": code, "detail": "why"}, headers=headers)


BUSY = problem(503, "store_unavailable")


class Line:
    """A transport on which this comes, one after the other."""

    def __init__(self, *came: Came) -> None:
        self.came = list(came)
        self.sent = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        found = self.came.pop(0)
        if isinstance(found, httpx.Response):
            return httpx.Response(found.status_code, headers=found.headers, content=found.content)
        raise found("no", request=request)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(time, "sleep", found.append)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return found


def reading(admin: AdminClient) -> object:
    return admin.target_page()


def adding(admin: AdminClient) -> object:
    return admin.add_many([])


def adding_missing(admin: AdminClient) -> object:
    return admin.add_many([], skip_existing=True)


def revoking(admin: AdminClient) -> object:
    return admin.revoke("ft_1")


def revoking_revision(admin: AdminClient) -> object:
    return admin.revoke("ft_1", 3)


DONE, STORED = httpx.Response(204), httpx.Response(201, json={"ids": []})


@pytest.mark.parametrize(
    ("call", "came"),
    [
        (reading, (REFUSED, REFUSED, OK)),
        (reading, (LOST, OK)),
        (reading, (BUSY, OK)),
        (reading, (httpx.Response(502, text="<html>"), OK)),
        (adding, (REFUSED, STORED)),
        (adding_missing, (LOST, STORED)),
        (revoking, (REFUSED, DONE)),
        (revoking_revision, (LOST, DONE)),
    ],
)
def test_what_is_safe_is_sent_again(call: Callable[[AdminClient], object], came: tuple[Came, ...]) -> None:
    line = Line(*came)
    call(AdminClient("http://admin", "key", transport=httpx.MockTransport(line)))
    assert line.sent == len(came)


@pytest.mark.parametrize(
    ("call", "came", "kind"),
    [
        (adding, LOST, Unreachable),
        (revoking, LOST, Unreachable),
        (reading, SLOW, Unreachable),
        (adding, BUSY, Unavailable),
        (reading, problem(500, "internal_error"), Unavailable),
        (reading, httpx.Response(200, text="<html>"), BadAnswer),
        (reading, httpx.Response(200, json={"targets": 3}), BadAnswer),
        (reading, httpx.Response(404, text="no such page"), BadAnswer),
        (lambda admin: admin.ready(), problem(503, "not_ready"), Unavailable),
    ],
)
def test_what_is_not_is_sent_once(
    call: Callable[[AdminClient], object], came: Came, kind: type[AdminError]
) -> None:
    line = Line(came, OK)
    with pytest.raises(kind):
        call(AdminClient("http://admin", "key", transport=httpx.MockTransport(line)))
    assert line.sent == 1


def test_three_tries_are_all(slept: list[float]) -> None:
    line = Line(REFUSED, REFUSED, REFUSED, OK)
    with pytest.raises(Unreachable, match="ConnectError"):
        AdminClient("http://admin", "key", transport=httpx.MockTransport(line)).policy()
    assert (line.sent, slept) == (3, [0.1, 0.5])


def test_a_change_whose_answer_was_lost_is_not_called_stale() -> None:
    line = Line(LOST, problem(412, "stale_revision"))
    with pytest.raises(Unreachable, match="read it"):
        AdminClient("http://admin", "key", transport=httpx.MockTransport(line)).change("ft_1", {}, 3)


def test_a_server_that_names_a_time_is_given_it(slept: list[float]) -> None:
    later, much_later = {"retry-after": "3"}, {"retry-after": "99"}
    line = Line(problem(429, "rate_limited", **later), problem(503, "store_unavailable", **much_later), OK)
    AdminClient("http://admin", "key", transport=httpx.MockTransport(line)).target_page()
    assert slept == [3.0, 5.0]


@pytest.mark.anyio
async def test_the_asynchronous_client_tries_again_too(slept: list[float]) -> None:
    line = Line(REFUSED, LOST, OK)
    async with AsyncAdminClient("http://admin", "key", transport=httpx.MockTransport(line)) as admin:
        await admin.target_page()
    assert (line.sent, slept) == (3, [0.1, 0.5])
