from __future__ import annotations

import asyncio
from typing import Any

import pytest

from serving.http.asgi import Receive, Scope, Send, respond
from serving.http.asgi_client import call


async def test_an_answer_is_read_whole_and_the_application_sees_its_end() -> None:
    after: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        await respond(send, 201, {"got": body.decode()})
        after.append((await receive())["type"])

    reply = await call(app, "POST", "/x", raw=b"raw")
    assert (reply.status, reply.json(), after) == (201, {"got": "raw"}, ["http.disconnect"])


async def test_cancelling_tells_the_application_that_its_client_has_left() -> None:
    seen = asyncio.Event()
    asked = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        asked.set()
        assert (await receive())["type"] == "http.disconnect"
        seen.set()

    calling = asyncio.create_task(call(app, "POST", "/x", {}))
    await asked.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert seen.is_set()


async def test_an_application_that_heeds_nothing_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.http.asgi_client.ABORT_SECONDS", 0.01)
    ended: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    calling = asyncio.create_task(call(app, "GET", "/x"))
    await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await asyncio.sleep(0)
    assert ended == [True]


async def test_an_error_of_the_application_reaches_the_caller() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await call(app, "GET", "/x")
