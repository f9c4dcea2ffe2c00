"""Writes an answer assembled from several engine calls, as one SSE stream or one JSON body.

Its shape is that of the engine's own answers, member by member: a client cannot tell them apart.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import orjson

from agents.chat import Usage
from serving.answers.choices import Choice, make_choice, make_response, openai_usage
from serving.http.asgi import Send, respond
from serving.http.asgi_client import Response
from serving.http.sse import DONE, frame
from serving.protocol.errors import status_of
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8")]
_HEAD = ("id", "object", "created", "model", "choices")


class Finish(NamedTuple):
    """Why an answer ends, the engine's chunk that says so, and the delta of a last chat chunk without text."""

    finish_reason: str
    stop_reason: object
    chunk: dict[str, Any]
    empty_delta: dict[str, Any]


# The status of a failure that came as an event of a stream, which had begun with it.
STREAM_FAILED = 200


class AnswerWriter(Protocol):
    """Writes the one choice of an answer to the client.

    `begin` takes the engine's first chunk, `write` a piece of text that may be sent and, with the last one, the
    finish. Then comes `end` with the usage and the engine's usage chunk ({} if there is none), or `fail` with the
    engine's error instead of any of these.
    """

    @property
    def wants_usage(self) -> bool: ...

    async def begin(self, chunk: dict[str, Any]) -> None: ...

    async def write(self, text: str, finish: Finish | None) -> None: ...

    async def end(self, usage: Usage, usage_chunk: dict[str, Any]) -> None: ...

    async def fail(self, response: Response) -> None: ...


class BegunStream(Protocol):
    """What was sent of a stream: a chunk of it, the text it said, and how much of that is said by whole words."""

    @property
    def chunk(self) -> dict[str, Any]: ...

    @property
    def said(self) -> str: ...

    @property
    def text(self) -> str: ...


class StreamWriter:
    """Writes server-sent events; every chunk repeats the id and other head members of the engine's first chunk.

    A stream that goes on has the head of a chunk of it, and the blanks that it was sent last are not repeated.
    """

    def __init__(self, send: Send, request: GenerationRequest, begun: BegunStream | None = None) -> None:
        self._send = send
        self._chat = request.route == CHAT
        options = request.body.get("stream_options")
        self.wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        self._head = {name: begun.chunk[name] for name in _HEAD if name in begun.chunk} if begun else {}
        self._blanks = len(begun.said[len(begun.text) :]) if begun else 0

    async def begin(self, chunk: dict[str, Any]) -> None:
        """Start the stream; a chat's first chunk holds its role. Its text, if it has any, `write` writes."""
        self._head = {name: chunk[name] for name in _HEAD if name in chunk}
        await self._send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        if self._chat:
            await self._send_chunk({**chunk, "choices": [_without_text(choice) for choice in chunk["choices"]]})

    async def write(self, text: str, finish: Finish | None) -> None:
        """Send one chunk with `text`; with `finish`, it is the last."""
        if self._blanks and text:
            blanks, self._blanks = min(self._blanks, len(text) - len(text.lstrip())), 0
            text = text[blanks:]
            if not text and finish is None:
                return
        reasons: dict[str, Any] = {"finish_reason": finish.finish_reason if finish else None}
        if finish or not self._chat:
            reasons["stop_reason"] = finish.stop_reason if finish else None
        # An engine says in its own way that no text is left.
        delta = {"content": text} if text or finish is None else finish.empty_delta
        content: dict[str, Any] = {"delta": delta} if self._chat else {"text": text}
        ids = {"token_ids": None} if self._chat else {"prompt_token_ids": None, "token_ids": None}
        choice = {"index": 0, **content, "logprobs": None, **reasons, **ids}
        await self._send_chunk({**(finish.chunk if finish else {}), **self._head, "choices": [choice]})

    async def end(self, usage: Usage, usage_chunk: dict[str, Any]) -> None:
        """End the stream, with the usage if the client asked for it."""
        if self.wants_usage:
            usage_body = _merged_usage(usage, usage_chunk)
            await self._send_chunk({**usage_chunk, **self._head, "choices": [], "usage": usage_body})
        await self._send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    async def fail(self, response: Response) -> None:
        """Send the engine's error: as a response, or as the last event of a stream."""
        if not self._head and response.status != STREAM_FAILED:
            return await respond(self._send, response.status, response.json())
        if not self._head:
            await self._send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        event = frame(response.body) + frame(DONE)
        await self._send({"type": "http.response.body", "body": event, "more_body": False})

    async def _send_chunk(self, chunk: dict[str, Any]) -> None:
        await self._send({"type": "http.response.body", "body": frame(orjson.dumps(chunk)), "more_body": True})


class JsonWriter:
    """Writes one JSON body when the answer is complete."""

    wants_usage = True

    def __init__(self, send: Send, request: GenerationRequest, request_id: str) -> None:
        self._send = send
        self._request = request
        self._id = request_id
        self._text = ""
        self._finish: Finish | None = None

    async def begin(self, chunk: dict[str, Any]) -> None:
        """Do nothing: nothing is sent before the end."""

    async def write(self, text: str, finish: Finish | None) -> None:
        """Collect `text`."""
        self._text += text
        if finish is not None:
            self._finish = finish

    async def end(self, usage: Usage, usage_chunk: dict[str, Any]) -> None:
        """Send the answer."""
        finish_reason, stop_reason = (
            (self._finish.finish_reason, self._finish.stop_reason) if self._finish else ("stop", None)
        )
        choice = make_choice(self._request.route, self._text, finish_reason) | {"stop_reason": stop_reason}
        answer = make_response(self._request, self._id, [Choice(choice, usage, usage_chunk)])
        await respond(self._send, 200, answer | {"usage": _merged_usage(usage, usage_chunk)})

    async def fail(self, response: Response) -> None:
        """Send the engine's error as a response."""
        status = status_of(response.body) if response.status == STREAM_FAILED else response.status
        await respond(self._send, status, response.json())


def _merged_usage(usage: Usage, usage_chunk: dict[str, Any]) -> dict[str, Any]:
    return {**(usage_chunk.get("usage") or {}), **openai_usage(usage)}


def _without_text(choice: dict[str, Any]) -> dict[str, Any]:
    delta = choice.get("delta") or {}
    return {**choice, "delta": {**delta, "content": ""}} if delta.get("content") else choice
