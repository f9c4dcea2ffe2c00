"""The way of one engine answer to the client: errors enveloped, headers ours, every surface guarded."""

from __future__ import annotations

from typing import Protocol

import orjson

from serving import envelope
from serving.asgi import Headers, Message, Send, respond
from serving.sse import DONE, Splitter, frame
from serving.wire import conform_answer, conform_chunk

STREAM_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class Guard(Protocol):
    """What may leave of a streamed chunk (None: nothing yet) and of a whole answer."""

    def chunk(self, payload: bytes) -> bytes | None: ...

    def answer(self, payload: bytes) -> bytes: ...


class Answer:
    """A `send` for the engine's application; without a guard its chunks pass as the bytes they are.

    `logprobs` says that the client asked for log-probabilities: the one part of a chunk whose shape needs mending.
    """

    def __init__(self, send: Send, guard: Guard | None, headers: Headers, *, logprobs: bool = False) -> None:
        self._client = send
        self._guard = guard
        self._logprobs = logprobs
        self._headers = headers
        self._status = 0
        self._streaming = False
        self._parts: list[bytes] = []
        self._splitter = Splitter()
        self._ended = False

    @property
    def started(self) -> bool:
        """Whether anything reached the client."""
        return self._streaming or self._ended

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the engine."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            if self._status == 200 and any(kind.startswith(b"text/event-stream") for kind in kinds):
                self._streaming = True
                headers = [*STREAM_HEADERS, *self._headers]
                await self._client({"type": "http.response.start", "status": 200, "headers": headers})
        elif message["type"] == "http.response.body":
            await self._body(message.get("body", b""), message.get("more_body", False))

    async def _body(self, part: bytes, more: bool) -> None:
        if not self._streaming:
            self._parts.append(part)
            if not more:
                await self._whole(b"".join(self._parts))
            return
        plain = self._guard is None and not self._logprobs and not part.startswith(b'data: {"error"')
        out = part if plain else self._events(part)
        self._ended = not more
        if out or not more:
            await self._client({"type": "http.response.body", "body": out, "more_body": more})

    def _events(self, part: bytes) -> bytes:
        out = []
        for payload in self._splitter.feed(part):
            if payload == DONE:
                out.append(frame(DONE))
            elif payload.startswith(b'{"error"'):
                out.append(frame(orjson.dumps(envelope.from_engine(500, payload).body)))
            else:
                released = self._guard.chunk(payload) if self._guard else payload
                if released is not None:
                    out.append(frame(conform_chunk(released) if self._logprobs else released))
        return b"".join(out)

    async def _whole(self, body: bytes) -> None:
        self._ended = True
        if self._status != 200:
            await self._fail(envelope.from_engine(self._status, body))
            return
        if self._guard is not None:
            body = self._guard.answer(body)
        body = conform_answer(body)
        headers: Headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"content-length", str(len(body)).encode()),
            *self._headers,
        ]
        await self._client({"type": "http.response.start", "status": 200, "headers": headers})
        await self._client({"type": "http.response.body", "body": body})

    async def broken(self) -> None:
        """End the answer after the engine stopped in the middle: an error the client cannot take for success."""
        error = envelope.failure(503, *envelope.SERVER_ERROR)
        if self._streaming and not self._ended:
            self._ended = True
            event = frame(orjson.dumps(error.body)) + frame(DONE)
            await self._client({"type": "http.response.body", "body": event, "more_body": False})
        elif not self._ended:
            self._ended = True
            await self._fail(error)

    async def _fail(self, error: envelope.Failure) -> None:
        await respond(self._client, error.status, error.body, self._headers)
