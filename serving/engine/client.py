"""An OpenAI client of the engine in this process, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from openai import AsyncOpenAI

from serving.http import asgi_client
from serving.http.asgi import App
from serving.telemetry.traced_engine import traced


class InProcessTransport(httpx.AsyncBaseTransport):
    """Sends each request to the current engine's application; httpx.ConnectError while there is none."""

    def __init__(self, engine: Callable[[], App | None]) -> None:
        self._engine = engine

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        app = self._engine()
        if app is None:
            raise httpx.ConnectError("no engine is ready", request=request)
        response = await asgi_client.request(
            traced(app), request.method, request.url.path, raw=await request.aread()
        )
        return httpx.Response(response.status, headers={"content-type": "application/json"}, content=response.body)


@asynccontextmanager
async def engine_client(engine: Callable[[], App | None]) -> AsyncIterator[AsyncOpenAI]:
    """Open a client of the engine in this process."""
    async with httpx.AsyncClient(transport=InProcessTransport(engine)) as http:
        # The official client accepts httpx's client, although its types do not say so.
        client: Any = http
        yield AsyncOpenAI(base_url="http://engine/v1", api_key="none", http_client=client)
