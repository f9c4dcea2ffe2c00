"""The remote engine: a streaming reverse proxy to a vLLM elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from guard.errors import BadSettings, EngineUnavailable
from serving.engine.supervisor import EngineUnreachable
from serving.http.asgi import Receive, Scope, Send, read_body, wait_for_disconnect
from serving.http.tls import UNTRUSTED, is_untrusted, trusted

CONNECT_TIMEOUT_S = 5.0
HEALTH_PERIOD_S = 2.0
REFUSED_PERIOD_S = 0.2
"""Seconds between two checks once nothing listens at the address: a busy engine takes connections."""
MAX_HEALTH_MISSES = 3
# Of a body that the data plane has already limited.
MAX_BODY_BYTES = 2**31


class Health(StrEnum):
    """What a health check found; `refused` is that no connection could be made."""

    GOOD = "good"
    BAD = "bad"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Remote:
    """A reachable remote engine: its proxy application and the client for health checks."""

    app: Proxy
    client: httpx.AsyncClient
    # How a remote engine parses what its model says is not known, so none of its answers is continued.
    abort_token: None = None
    # Nor is there a route by which its requests could be preempted.
    preempt: None = None

    async def died(self) -> None:
        """Return when the engine has failed MAX_HEALTH_MISSES health checks in a row.

        A check does not count as failed if parts of answers have come meanwhile: a busy engine is not a dead one.
        """
        misses, pause = 0, HEALTH_PERIOD_S
        while misses < MAX_HEALTH_MISSES:
            received = self.app.received
            await asyncio.sleep(pause)
            health = await _health(self.client)
            pause = REFUSED_PERIOD_S if health is Health.REFUSED else HEALTH_PERIOD_S
            misses = 0 if health is Health.GOOD or self.app.received > received else misses + 1


class Proxy:
    """An ASGI application that forwards a request and streams the response back."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.received = 0
        """How many parts of answers the engine has sent so far."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, MAX_BODY_BYTES)
        request = self._client.build_request(
            scope["method"], scope["path"], headers=list(scope["headers"]), content=body
        )
        forwarding = asyncio.create_task(self._forward(request, send))
        disconnected = asyncio.create_task(wait_for_disconnect(receive))
        try:
            await asyncio.wait({forwarding, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            disconnected.cancel()
            # Closing the upstream connection is what makes the engine abort and free its cache.
            forwarding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await forwarding

    async def _forward(self, request: httpx.Request, send: Send) -> None:
        response = await self._client.send(request, stream=True)
        try:
            headers = [(k, v) for k, v in response.headers.raw if k.lower() == b"content-type"]
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for part in response.aiter_bytes():
                self.received += 1
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await response.aclose()


@contextlib.asynccontextmanager
async def open_remote(url: str, key: SecretStr) -> AsyncIterator[Remote]:
    """Open a proxy to the engine at `url`; EngineUnavailable if none answers there or `key` is refused.

    The engine gets `key` as its bearer key, unless that is empty, and never a key of a client.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSettings("engine must be a URL such as http://host:port")
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT_S)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    base = url.rstrip("/").removesuffix("/v1")
    bearer = {b"authorization": f"Bearer {key.get_secret_value()}".encode()} if key.get_secret_value() else {}
    async with httpx.AsyncClient(
        base_url=base, headers=bearer, timeout=timeout, limits=limits, trust_env=False, verify=trusted()
    ) as client:
        await _require_engine(client)
        yield Remote(Proxy(client), client)


async def _require_engine(client: httpx.AsyncClient) -> None:
    try:
        health = await client.get("/health", timeout=CONNECT_TIMEOUT_S)
        models = await client.get("/v1/models", timeout=CONNECT_TIMEOUT_S)
    except httpx.HTTPError as error:
        cause = f": {UNTRUSTED}" if is_untrusted(error) else ""
        raise EngineUnreachable(f"no engine answers /health at the given address{cause}") from None
    # vLLM's /health asks for no key: what answers there with 401 is something else.
    if health.status_code != 200:
        raise EngineUnreachable("no engine answers /health at the given address")
    if models.status_code in (401, 403):
        raise EngineUnavailable("the engine asks for another key than engine_key")


async def _health(client: httpx.AsyncClient) -> Health:
    try:
        response = await client.get("/health", timeout=CONNECT_TIMEOUT_S)
    except httpx.ConnectError:
        return Health.REFUSED
    except httpx.HTTPError:
        return Health.BAD
    return Health.GOOD if response.status_code == 200 else Health.BAD
