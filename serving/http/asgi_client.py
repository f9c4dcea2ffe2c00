"""An in-process ASGI client: requests to the engine's application without a socket."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import orjson

from serving.http.asgi import App, Message, Scope, replay

# How long a cancelled request waits for the engine to notice the disconnect and abort.
ABORT_S = 2.0


class Response(NamedTuple):
    """Status and whole body of one response."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the parsed body, or None if it is not JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


def http_scope(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    """Return a minimal HTTP scope: the engine sees nothing of the client's own connection."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": None,
        "state": {},
    }


def json_scope(path: str, length: int, request_id: str = "") -> Scope:
    """Return the scope of a POST with a JSON body of `length` bytes."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    if request_id:
        headers.append((b"x-request-id", request_id.encode()))
    return http_scope("POST", path, headers)


async def request(app: App, method: str, path: str, body: object = None, *, raw: bytes | None = None) -> Response:
    """Send one request to `app` and return its whole response.

    The request's body is `raw`, or else `body` as JSON. Cancelling disconnects, which makes an engine abort.
    """
    if raw is None:
        raw = b"" if body is None else orjson.dumps(body)
    status = 500
    parts: list[bytes] = []
    disconnected = asyncio.Event()

    async def receive_disconnect() -> Message:
        # An engine takes a disconnect before its response ends as the order to abort.
        await disconnected.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                disconnected.set()

    scope = json_scope(path, len(raw)) if method == "POST" else http_scope(method, path, [])
    running = asyncio.ensure_future(app(scope, replay(raw, receive_disconnect), send))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        disconnected.set()
        await asyncio.wait({running}, timeout=ABORT_S)
        running.cancel()
        raise
    return Response(status, b"".join(parts))
