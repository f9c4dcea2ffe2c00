"""The reverse proxy, against an upstream in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from guard.errors import BadSettings, EngineUnavailable
from serving.engine.remote import HEALTH_PERIOD_S, REFUSED_PERIOD_S, Proxy, Remote, open_remote
from serving.http.asgi import Message, Receive, Scope, Send, read_body, replay, respond
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
        async with open_remote(url, SecretStr("")):
            pass


@pytest.mark.anyio
async def test_an_address_where_nothing_listens(unused_tcp_port: int) -> None:
    with pytest.raises(EngineUnavailable):
        async with open_remote(f"http://127.0.0.1:{unused_tcp_port}", SecretStr("")):
            pass


@pytest.fixture
def unused_tcp_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
async def keyed_engine() -> AsyncIterator[str]:
    """The URL of an engine that asks for the key `e` below /v1, as `vllm serve --api-key e` does."""

    async def engine(scope: Scope, receive: Receive, send: Send) -> None:
        allowed = scope["path"] == "/health" or (b"authorization", b"Bearer e") in scope["headers"]
        await respond(send, 200 if allowed else 401, {"data": []})

    server = uvicorn.Server(uvicorn.Config(engine, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.mark.anyio
async def test_the_engine_s_key_is_sent_with_every_request(keyed_engine: str) -> None:
    async with open_remote(f"{keyed_engine}/v1/", SecretStr("e")) as remote:
        assert (await request(remote.app, "POST", "/v1/x", {})).status == 200


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["", "other"])
async def test_an_engine_that_asks_for_another_key_says_so(keyed_engine: str, key: str) -> None:
    with pytest.raises(EngineUnavailable, match="engine_key"):
        async with open_remote(keyed_engine, SecretStr(key)):
            pass


@pytest.mark.anyio
async def test_an_engine_that_is_sending_is_not_dead_though_its_health_check_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks = 0
    client = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(503)), base_url="http://upstream"
    )
    remote = Remote(Proxy(client), client)

    async def sleep(seconds: float) -> None:
        nonlocal checks
        assert seconds == HEALTH_PERIOD_S
        checks += 1
        # Busy for ten checks.
        remote.app.received += checks <= 10

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await remote.died()
    assert checks == 13


@pytest.mark.anyio
async def test_an_engine_at_whose_address_nothing_listens_is_soon_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://upstream")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await Remote(Proxy(client), client).died()
    assert pauses == [HEALTH_PERIOD_S, REFUSED_PERIOD_S, REFUSED_PERIOD_S]


@pytest.mark.anyio
async def test_each_part_of_an_answer_is_counted() -> None:
    through = proxy(echo)
    await request(through, "POST", "/v1/x", raw=b"hello")
    assert through.received > 0
