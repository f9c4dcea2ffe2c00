from __future__ import annotations

import httpx
import pytest

from serving.http.asgi import Receive, Scope, Send, respond
from serving.http.head import HeadAsGet


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    status = 200 if scope["path"] == "/livez" and scope["method"] == "GET" else 405
    await respond(send, status, {"method": scope["method"]}, [(b"x-request-id", b"r1")])


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/livez", "/other"])
async def test_head_is_get_without_the_body(path: str) -> None:
    transport = httpx.ASGITransport(HeadAsGet(app))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://lethe") as http:
        head, get, post = await http.head(path), await http.get(path), await http.post(path)
    assert (head.status_code, head.headers, head.content) == (get.status_code, get.headers, b"")
    assert (post.status_code, post.json()) == (405, {"method": "POST"})
