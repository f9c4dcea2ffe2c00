"""A streaming reverse proxy to a vLLM elsewhere: the other inner application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from guard.errors import BadSettings, EngineUnavailable
from serving.http.asgi import App, Receive, Scope, Send, read_body, wait_for_disconnect

CONNECT_TIMEOUT = 5.0
HEALTH_PERIOD = 2.0
HEALTH_MISSES = 3


@dataclass(frozen=True, slots=True)
class Remote:
    """A reachable engine: the proxy application, and how to learn that it went away."""

    app: App
    client: httpx.AsyncClient
    # How a remote engine parses what its model says is not known, so none of its answers is continued.
    abort_token: None = None

    async def died(self) -> None:
        """Return when the engine failed several health checks in a row."""
        misses = 0
        while misses < HEALTH_MISSES:
            await asyncio.sleep(HEALTH_PERIOD)
            misses = 0 if await _healthy(self.client) else misses + 1


class Proxy:
    """An ASGI application that forwards a request and streams the answer back."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 2**31)
        request = self._client.build_request(
            scope["method"], scope["path"], headers=list(scope["headers"]), content=body
        )
        exchange = asyncio.create_task(self._exchange(request, send))
        gone = asyncio.create_task(wait_for_disconnect(receive))
        try:
            await asyncio.wait({exchange, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            # Closing the upstream connection is what makes the engine abort and free its cache.
            exchange.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await exchange

    async def _exchange(self, request: httpx.Request, send: Send) -> None:
        response = await self._client.send(request, stream=True)
        try:
            headers = [(k, v) for k, v in response.headers.raw if k.lower() == b"content-type"]
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for part in response.aiter_bytes():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await response.aclose()


@contextlib.asynccontextmanager
async def open_remote(url: str) -> AsyncIterator[Remote]:
    """A proxy to the engine at `url`; EngineUnavailable when nothing healthy answers there."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSettings("engine must be a URL such as http://host:port")
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    base = url.rstrip("/").removesuffix("/v1")
    async with httpx.AsyncClient(base_url=base, timeout=timeout, limits=limits, trust_env=False) as client:
        if not await _healthy(client):
            raise EngineUnavailable("no engine answers /health at the given address")
        yield Remote(Proxy(client), client)


async def _healthy(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health", timeout=CONNECT_TIMEOUT)).status_code == 200
    except httpx.HTTPError:
        return False
