"""The agents in the engine's place: an application that answers one request with what they decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import orjson

from serving.answers.choices import Spoken, events, whole
from serving.http.asgi import Receive, Scope, Send, left
from serving.http.asgi_client import Reply
from serving.http.sse import DONE, KEEP_ALIVE, frame
from serving.protocol.request import GenerationRequest

PERIOD = 5.0
"""Seconds between two signs of life to a client that streams; the first comes as late, so that what the engine
refuses at once is still refused with a status."""


class Outcome(NamedTuple):
    """The choices in order, or the engine's reply to a request that it would not take."""

    spoken: Sequence[Spoken]
    refusal: Reply | None = None


class Application:
    """Answers `request` with the outcome of `work`, and gives the work up when the client leaves."""

    def __init__(
        self,
        request: GenerationRequest,
        request_id: str,
        work: Callable[[], Coroutine[Any, Any, Outcome]],
    ) -> None:
        self._request = request
        self._id = request_id
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        work = asyncio.create_task(self._work())
        gone = asyncio.create_task(left(receive))
        try:
            started = await self._waited(work, gone, send)
            if work.done():
                await self._answer(work.result(), send, started)
        finally:
            gone.cancel()
            work.cancel()
            await asyncio.gather(gone, work, return_exceptions=True)

    async def _waited(self, work: asyncio.Task[Outcome], gone: asyncio.Task[None], send: Send) -> bool:
        """Wait for the work or the client's leaving; True when the stream has begun meanwhile."""
        started = False
        while True:
            period = PERIOD if self._request.stream else None
            tasks: set[asyncio.Task[Any]] = {work, gone}
            done, _ = await asyncio.wait(tasks, timeout=period, return_when=asyncio.FIRST_COMPLETED)
            if done:
                return started
            if not started:
                await _start_stream(send)
            started = True
            await send({"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True})

    async def _answer(self, outcome: Outcome, send: Send, started: bool) -> None:
        if outcome.refusal is not None and not started:
            return await _whole(send, outcome.refusal.status, outcome.refusal.body)
        if not self._request.stream:
            return await _whole(send, 200, orjson.dumps(whole(self._request, self._id, outcome.spoken)))
        if not started:
            await _start_stream(send)
        if outcome.refusal is not None:
            await send(_part(frame(outcome.refusal.body)))
        for event in events(self._request, self._id, outcome.spoken):
            await send(_part(frame(orjson.dumps(event))))
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})


def _part(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _start_stream(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _whole(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
