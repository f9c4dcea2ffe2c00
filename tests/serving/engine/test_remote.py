"""The reverse proxy, against an upstream in the same process."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from guard.errors import BadSettings, EngineUnavailable
from serving.engine.remote import Proxy, open_remote
from serving.http.asgi import Message, Receive, Scope, Send, read_body, replay
from serving.http.asgi_client import json_scope, request


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(receive, 10**6)
    headers = [(b"content-type", b"text/event-stream"), (b"set-cookie", b"a=b")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    for place in range(0, len(body), 3):
        await send({"type": "http.response.body", "body": body[place : place + 3], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def proxy(upstream: object) -> Proxy:
    transport = httpx.ASGITransport(upstream)  # type: ignore[arg-type]
    return Proxy(httpx.AsyncClient(transport=transport, base_url="http://upstream"))


@pytest.mark.anyio
async def test_status_body_and_content_type_pass_and_no_other_header() -> None:
    seen: list[Message] = []

    async def send(message: Message) -> None:
        seen.append(message)

    async def stay() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    await proxy(echo)(json_scope("/v1/x", 5), replay(b"hello", stay), send)
    assert seen[0]["status"] == 201
    assert seen[0]["headers"] == [(b"content-type", b"text/event-stream")]
    assert b"".join(message["body"] for message in seen[1:]) == b"hello"
    assert seen[-1]["more_body"] is False


@pytest.mark.anyio
async def test_a_client_that_leaves_ends_the_exchange() -> None:
    cancelled = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None: ...

    async with asyncio.timeout(5):
        await proxy(endless)(json_scope("/v1/x", 0), replay(b"", gone), send)
        await cancelled.wait()


@pytest.mark.anyio
async def test_an_upstream_that_fails_is_the_callers_error() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    client = httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://upstream")
    with pytest.raises(httpx.ConnectError):
        await request(Proxy(client), "POST", "/v1/x", {})


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://h", "http://"])
async def test_an_address_that_is_no_url(url: str) -> None:
    with pytest.raises(BadSettings):
        async with open_remote(url):
            pass


@pytest.mark.anyio
async def test_an_address_where_nothing_listens(unused_tcp_port: int) -> None:
    with pytest.raises(EngineUnavailable):
        async with open_remote(f"http://127.0.0.1:{unused_tcp_port}"):
            pass


@pytest.fixture
def unused_tcp_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
