"""ASGI types and helpers: an application is a callable of scope, receive and send."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from functools import partial
from typing import Any, ParamSpec, TypeVar

import orjson
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

P = ParamSpec("P")
T = TypeVar("T")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# A body this long is read in a millisecond.
INLINE_BYTES = 65_536
JSON_HEADERS: Headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


class BodyTooLarge(Exception):
    """The request body exceeds the limit."""


class ClientGone(Exception):
    """The client disconnected before its request body ended."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """Return the whole request body; BodyTooLarge beyond `limit` bytes, ClientGone if the client disconnects."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def is_json(content_type: str) -> bool:
    """Return whether a `Content-Type` is that of JSON, whatever its parameters."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields `body` once and then the messages of `receive` (the disconnect)."""
    sent = False

    async def receive_body() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body


async def lifespan(receive: Receive, send: Send) -> None:
    """Answer the server's lifespan events until its shutdown."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has disconnected; ignore whatever else it sends."""
    while (await receive())["type"] != "http.disconnect":
        # A receive that never waits would hold the event loop.
        await asyncio.sleep(0)


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`; cancel it and raise ClientGone when the client leaves before."""
    working, gone = asyncio.ensure_future(work), asyncio.ensure_future(wait_for_disconnect(receive))
    try:
        await asyncio.wait((working, gone), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


# Reading a large body holds the interpreter, so that many at a time would hold everybody up.
_LARGE_BODIES = CapacityLimiter(2)


async def off_loop(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `work` does, in a thread if `size` bytes of a body would hold the event loop up."""
    if size <= INLINE_BYTES:
        return work(*args, **kwargs)
    return await run_sync(partial(work, *args, **kwargs), limiter=_LARGE_BODIES)


async def respond(send: Send, status: int, payload: object, headers: Headers | None = None) -> None:
    """Send `payload` as one JSON response."""
    body = orjson.dumps(payload)
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*JSON_HEADERS, *(headers or []), length],
        }
    )
    await send({"type": "http.response.body", "body": body})
