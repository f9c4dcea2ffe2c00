from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serving.http.asgi import Receive, Scope, Send, respond
from serving.http.asgi_client import request


async def test_an_answer_is_read_whole_and_the_application_sees_its_end() -> None:
    after: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        await respond(send, 201, {"got": body.decode()})
        after.append((await receive())["type"])

    response = await request(app, "POST", "/x", raw=b"raw")
    assert (response.status, response.json(), after) == (201, {"got": "raw"}, ["http.disconnect"])


async def test_cancelling_tells_the_application_that_its_client_has_left() -> None:
    seen = asyncio.Event()
    asked = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        asked.set()
        assert (await receive())["type"] == "http.disconnect"
        seen.set()

    running = asyncio.create_task(request(app, "POST", "/x", {}))
    await asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen.is_set()


async def test_an_application_that_heeds_nothing_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.http.asgi_client.ABORT_S", 0.01)
    ended: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    running = asyncio.create_task(request(app, "GET", "/x"))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0)
    assert ended == [True]


async def test_an_error_of_the_application_reaches_the_caller() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await request(app, "GET", "/x")
