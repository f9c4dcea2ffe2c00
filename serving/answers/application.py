"""An ASGI application in the engine's place, which answers one request with choices computed elsewhere.

The agents and beam search use it: their answers take seconds and are complete before any of it may be sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import orjson

from serving.answers.choices import Choice, make_chunks, make_response
from serving.http.asgi import Receive, Scope, Send, wait_for_disconnect
from serving.http.asgi_client import Response
from serving.http.sse import DONE, KEEP_ALIVE, frame
from serving.protocol.request import GenerationRequest

KEEP_ALIVE_PERIOD_S = 5.0
"""Between two keep-alive comments of a stream. The first comes this late too, so that a request that the engine
refuses at once is still refused with an HTTP status."""


class Outcome(NamedTuple):
    """The choices in order, or the engine's response to a request that it refused."""

    choices: Sequence[Choice]
    refusal: Response | None = None


class Application:
    """Answers `request` with the outcome of `compute`, which is cancelled when the client disconnects."""

    def __init__(
        self,
        request: GenerationRequest,
        request_id: str,
        compute: Callable[[], Coroutine[Any, Any, Outcome]],
    ) -> None:
        self._request = request
        self._id = request_id
        self._compute = compute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        computing = asyncio.create_task(self._compute())
        disconnected = asyncio.create_task(wait_for_disconnect(receive))
        try:
            started = await self._wait(computing, disconnected, send)
            if computing.done():
                await self._answer(computing.result(), send, started)
        finally:
            disconnected.cancel()
            computing.cancel()
            await asyncio.gather(disconnected, computing, return_exceptions=True)

    async def _wait(self, computing: asyncio.Task[Outcome], disconnected: asyncio.Task[None], send: Send) -> bool:
        """Wait for either task, and keep a stream alive meanwhile; return whether the stream has started."""
        started = False
        while True:
            timeout = KEEP_ALIVE_PERIOD_S if self._request.stream else None
            tasks: set[asyncio.Task[Any]] = {computing, disconnected}
            done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return started
            if not started:
                await _start_stream(send)
            started = True
            await _send_part(send, KEEP_ALIVE)

    async def _answer(self, outcome: Outcome, send: Send, started: bool) -> None:
        if outcome.refusal is not None and not started:
            return await _send_json(send, outcome.refusal.status, outcome.refusal.body)
        if not self._request.stream:
            body = make_response(self._request, self._id, outcome.choices)
            return await _send_json(send, 200, orjson.dumps(body))
        if not started:
            await _start_stream(send)
        if outcome.refusal is not None:
            await _send_part(send, frame(outcome.refusal.body))
        for chunk in make_chunks(self._request, self._id, outcome.choices):
            await _send_part(send, frame(orjson.dumps(chunk)))
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})


async def _start_stream(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _send_part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _send_json(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
