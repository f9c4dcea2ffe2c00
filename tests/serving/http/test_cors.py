from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest

from serving.http.asgi import App, Receive, Scope, Send, respond
from serving.http.cors import allow_origins

PAGE = "http://localhost:3000"
PREFLIGHT = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-timeout",
}


async def keyed(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 405 if scope["method"] == "OPTIONS" else 401, {})


def client(app: App) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://lethe")


@pytest.mark.anyio
@pytest.mark.parametrize("origins", [("*",), ("http://other", PAGE)])
async def test_a_preflight_needs_no_key_and_errors_can_be_read_by_the_page(origins: Sequence[str]) -> None:
    async with client(allow_origins(keyed, origins)) as http:
        preflight = await http.options("/v1/chat/completions", headers=PREFLIGHT)
        answer = await http.post("/v1/chat/completions", headers={"origin": PAGE})
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "x-stainless-timeout" in preflight.headers["access-control-allow-headers"]
    assert answer.status_code == 401
    for one in (preflight, answer):
        assert one.headers["access-control-allow-origin"] in ("*", PAGE)
    assert answer.headers["access-control-expose-headers"] == "x-request-id"


@pytest.mark.anyio
async def test_a_page_of_another_origin_is_not_let_in() -> None:
    async with client(allow_origins(keyed, ("http://other",))) as http:
        preflight = await http.options("/v1/chat/completions", headers=PREFLIGHT)
        answer = await http.post("/v1/chat/completions", headers={"origin": PAGE})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in {**preflight.headers, **answer.headers}


@pytest.mark.anyio
async def test_without_origins_nothing_is_added() -> None:
    assert allow_origins(keyed, ()) is keyed
