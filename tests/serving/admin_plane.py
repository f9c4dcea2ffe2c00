"""A real admin plane on stand-ins, reached by the client without a network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from guard.registry.replicas import Replica
from serving.admin.app import create_admin
from serving.client import AdminClient
from tests.serving.desk.conftest import KEY, Service

URL = "http://admin"


class Plane(Service):
    """The desk's stand-in service, with what the routes need besides: no engine, checkpoint or webhook."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.workers = self
        self.audit = SimpleNamespace(lines=list)
        self.webhooks = SimpleNamespace(states=list)
        self.engines = SimpleNamespace(members=[], drain=lambda url, drained: False)

    async def acknowledged(self, version: int, timeout: float) -> bool:
        return True

    async def observe_state(self) -> None:
        pass

    async def behind(self, version: int, timeout: float) -> list[Replica]:
        return []

    def app(self) -> FastAPI:
        return create_admin(self, SecretStr(KEY), max_body_bytes=200_000)  # type: ignore[arg-type]


class OverAsgi(httpx.BaseTransport):
    """Sends requests to an ASGI application, each in an event loop of its own."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def answer() -> httpx.Response:
            came = await httpx.ASGITransport(self._app).handle_async_request(request)
            return httpx.Response(came.status_code, headers=came.headers, content=await came.aread())

        return asyncio.run(answer())


def client_of(plane: Plane, key: str = KEY) -> AdminClient:
    """Return a client of the plane."""
    return AdminClient(URL, key, transport=OverAsgi(plane.app()))
