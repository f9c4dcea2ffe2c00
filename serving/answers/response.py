"""Sends the engine's response to the client: errors in OpenAI's shape, our own headers, every surface guarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import orjson

from serving.http.asgi import Headers, Message, Send, respond
from serving.http.sse import DONE, KEEP_ALIVE, Splitter, frame, is_stream
from serving.protocol import errors
from serving.protocol.openai_shape import conform_answer, conform_chunk
from serving.protocol.surfaces import has_text, surfaces

# vLLM's response to a client that has disconnected.
CLIENT_GONE = b"null"
STREAM_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class AnswerCut(OSError):
    """Raised from `send`: the rest of the answer is not wanted. A server takes it for a client that left."""


class Guard(Protocol):
    """Returns what may be sent for a chunk, of a whole answer, and to end an aborted stream."""

    @property
    def matched(self) -> bool: ...

    def chunk(self, payload: bytes) -> list[bytes]: ...

    def answer(self, payload: bytes) -> bytes: ...

    def close(self) -> list[bytes]: ...


class GuardedResponse:
    """A `send` for the engine's application. Without a guard, chunks pass byte for byte.

    logprobs    whether the client asked for log-probabilities, the only part of a chunk that needs another shape
    failed      the response to the same client whose row failed; this one then sends what that one still lacks
    row_failed  whether the engine aborted the answer because its grammar allows only what the policy forbids. Of
                a whole answer nothing is sent then; the choices of a stream have ended, and the end of the stream
                is still to come
    cuts        whether an answer that has said a phrase is cut, so that it can go on under another plan: asked
                once, when it has; None: no
    began       whether the stream that this one goes on with has begun
    is_cut      whether it was. What the guard then let through of a whole answer, or for the last chunk of a
                stream, is in `kept`; of a stream, `last` is the chunk that says the phrase
    """

    def __init__(
        self,
        send: Send,
        guard: Guard | None,
        headers: Headers,
        *,
        logprobs: bool = False,
        failed: GuardedResponse | None = None,
        cuts: Callable[[], bool] | None = None,
        began: bool = False,
    ) -> None:
        # What ends the choices of a stream whose row failed; sent before what comes after the choices.
        self._closing: list[bytes] = failed._closing if failed else []
        self._resumes = failed is not None and failed.is_stream
        self._fingerprint: dict[str, Any] = {}
        self._counted: dict[str, Any] = {}
        self._empty_delta: dict[str, Any] = {}
        self._client = send
        self._guard = guard
        self._logprobs = logprobs
        self._headers = headers
        self._status = 0
        self._streaming = False
        self._parts: list[bytes] = []
        self._splitter = Splitter()
        self._ended = False
        self._cuts = cuts
        self._began = began
        self.row_failed = False
        self.is_cut = False
        self.kept: list[bytes] = []
        self.last: dict[str, Any] = {}

    @property
    def is_stream(self) -> bool:
        """Whether the engine answers with a stream; known once it has begun."""
        return self._streaming

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the engine."""
        if self.is_cut:
            raise AnswerCut
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._streaming = is_stream(message)
            if self._streaming and not self._resumes and not self._began:
                headers = [*STREAM_HEADERS, *self._headers]
                await self._client({"type": "http.response.start", "status": 200, "headers": headers})
        elif message["type"] == "http.response.body":
            await self._body(message.get("body", b""), message.get("more_body", False))

    async def _body(self, part: bytes, more: bool) -> None:
        if self._resumes and not self._streaming:
            # The engine failed since; the choices end all the same.
            if not more:
                self._ended = True
                out = b"".join(map(frame, [*self._closed(), DONE]))
                await self._client({"type": "http.response.body", "body": out, "more_body": False})
            return
        if not self._streaming:
            self._parts.append(part)
            if not more:
                await self._send_json(b"".join(self._parts))
            return
        if part == KEEP_ALIVE:
            await self._client({"type": "http.response.body", "body": part, "more_body": True})
            return
        events: list[bytes] = []
        for payload in self._splitter.feed(part):
            events += self._guard_event(payload)
            if self.is_cut:
                break
        out, more = b"".join(map(frame, events)), more or self.row_failed or self.is_cut
        self._ended = not more
        if out or not more:
            await self._client({"type": "http.response.body", "body": out, "more_body": more})
        if self.is_cut:
            raise AnswerCut

    def _guard_event(self, payload: bytes) -> list[bytes]:
        if payload == DONE:
            return [] if self.row_failed else [*self._closed(), DONE]
        if self._resumes:
            return self._after_choices(orjson.loads(payload), payload)
        if payload.startswith(b'{"error"'):
            if self._guard is None or not errors.is_row_failure(payload):
                return [orjson.dumps(errors.from_engine(500, payload).body)]
            self.row_failed = True
            self._closing = self._guard.close()
            return []
        released = self._guard.chunk(payload) if self._guard else [payload]
        if self._must_cut():
            self.is_cut, self.last = True, orjson.loads(payload)
            if _ends(self.last):
                self.kept, released = released, []
        return list(map(conform_chunk, released)) if self._logprobs else released

    def _after_choices(self, chunk: dict[str, Any], payload: bytes) -> list[bytes]:
        if chunk.get("choices"):
            self._counted |= {name: chunk[name] for name in ("usage",) if name in chunk}
            self._fingerprint |= {name: chunk[name] for name in ("system_fingerprint",) if name in chunk}
            if _ends(chunk) and not has_text(chunk["choices"][0]):
                self._empty_delta = chunk["choices"][0].get("delta") or {}
            return []
        return [*self._closed(), *([payload] if "usage" in chunk else [])]

    def _closed(self) -> list[bytes]:
        """Return, once, what ends the choices of the stream that failed, with the engine's members for it."""
        chunks, self._closing = [orjson.loads(payload) for payload in self._closing], []
        for choice in (chunk["choices"][0] for chunk in chunks if _ends(chunk)):
            if "delta" in choice and not has_text(choice):
                choice["delta"] = self._empty_delta
        ending = [c | self._counted | (self._fingerprint if _ends(c) else {}) for c in chunks]
        closing = list(map(orjson.dumps, ending))
        return list(map(conform_chunk, closing)) if self._logprobs else closing

    async def _send_json(self, body: bytes) -> None:
        if self._guard is not None and self._status == 500 and errors.is_row_failure(body):
            self.row_failed = True
            return
        if body != CLIENT_GONE and self._began:
            # A stream that goes on with another engine call, which was refused.
            return await self.fail()
        self._ended = True
        if body == CLIENT_GONE:
            return
        if self._status != 200:
            await self._send_error(errors.from_engine(self._status, body))
            return
        if self._guard is not None:
            body = self._guard.answer(body)
            if self._must_cut():
                self.is_cut, self.kept, self._ended = True, [body], False
                return
        await self._send_answer(body)

    async def _send_answer(self, body: bytes) -> None:
        self._ended = True
        body = conform_answer(body)
        headers: Headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"content-length", str(len(body)).encode()),
            *self._headers,
        ]
        await self._client({"type": "http.response.start", "status": 200, "headers": headers})
        await self._client({"type": "http.response.body", "body": body})

    def _must_cut(self) -> bool:
        if self._cuts is None or self._guard is None or not self._guard.matched:
            return False
        cuts, self._cuts = self._cuts, None
        return cuts()

    def cut_stream(self, chunk: dict[str, Any]) -> None:
        """Cut the stream before `chunk`, which was not taken, as if the guard had found a phrase there."""
        self.is_cut, self.last = True, chunk

    def cut_whole(self, body: bytes) -> None:
        """Cut a whole answer, which was not taken."""
        self.is_cut, self.kept = True, [self._guard.answer(body) if self._guard is not None else body]

    async def send_kept(self) -> None:
        """Send what the guard let through of the whole answer that was cut."""
        await self._send_answer(*self.kept)

    def kept_text(self) -> str:
        """Return the text of the chunks in `kept`."""
        choices = (choice for event in self.kept for choice in orjson.loads(event)["choices"])
        return "".join(surface.holder[surface.member] for choice in choices for surface in surfaces(choice))

    def end_choices(self) -> None:
        """Have what ends the choices of the stream that was cut sent by the response that is given this one."""
        if self._guard is not None:
            self._closing = self.kept or self._guard.close()

    async def fail(self) -> None:
        """End a response that the engine left unfinished, with an error that no client takes for success."""
        error = errors.error_response(503, *errors.SERVER_ERROR)
        if (self._streaming or self._resumes or self._began) and not self._ended:
            self._ended = True
            event = frame(orjson.dumps(error.body)) + frame(DONE)
            await self._client({"type": "http.response.body", "body": event, "more_body": False})
        elif not self._ended:
            self._ended = True
            await self._send_error(error)

    async def _send_error(self, error: errors.ErrorResponse) -> None:
        await respond(self._client, error.status, error.body, self._headers)


def _ends(chunk: dict[str, Any]) -> bool:
    return chunk["choices"][0].get("finish_reason") is not None
