"""Calls to the engine's application from inside this process: the self-test and the reading of token prompts."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import orjson

from serving.http.asgi import App, Message, Scope, replay

# How long an engine may take to see that nobody waits for its answer.
ABORT_SECONDS = 2.0


class Reply(NamedTuple):
    """Status and whole body of one inner call."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON; an engine that sends something else gives None."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


def http_scope(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    """A minimal HTTP scope, so that nothing of a client's own connection reaches the engine."""
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
    """The scope of a JSON POST."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    if request_id:
        headers.append((b"x-request-id", request_id.encode()))
    return http_scope("POST", path, headers)


async def call(app: App, method: str, path: str, body: object = None, *, raw: bytes | None = None) -> Reply:
    """The engine's whole answer to one call, whose body is `body` as JSON or `raw`; cancelling aborts it."""
    if raw is None:
        raw = b"" if body is None else orjson.dumps(body)
    status = 500
    parts: list[bytes] = []
    gone = asyncio.Event()

    async def stay() -> Message:
        # An engine takes a disconnect before its answer ends as the order to abort.
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                gone.set()

    scope = json_scope(path, len(raw)) if method == "POST" else http_scope(method, path, [])
    answering = asyncio.ensure_future(app(scope, replay(raw, stay), send))
    try:
        await asyncio.shield(answering)
    except asyncio.CancelledError:
        gone.set()
        await asyncio.wait({answering}, timeout=ABORT_SECONDS)
        answering.cancel()
        raise
    return Reply(status, b"".join(parts))
