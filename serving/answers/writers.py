"""How an answer that several calls of the engine made reaches the client: as one stream, or whole in the end.

Its shape is that of the engine's own answers, member by member: nothing in it says that it is another.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import orjson

from agents.chat import Usage
from serving.answers.choices import Spoken, said, usage_of, whole
from serving.http.asgi import Send, respond
from serving.http.asgi_client import Reply
from serving.http.sse import DONE, frame
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

_HEAD = ("id", "object", "created", "model", "choices")


class Ending(NamedTuple):
    """Why an answer ends, and the chunk of the engine's that says so."""

    finish_reason: str
    stop_reason: object
    chunk: dict[str, Any]


class Teller(Protocol):
    """Told of one choice: its first chunk, its text as it may leave, and its end or why there is none."""

    @property
    def counts(self) -> bool: ...

    async def begin(self, chunk: dict[str, Any]) -> None: ...

    async def say(self, text: str, ending: Ending | None) -> None: ...

    async def end(self, usage: Usage, closing: dict[str, Any]) -> None: ...

    async def fail(self, reply: Reply) -> None: ...


class Streamed:
    """Tells in chunks of the route, all under the head of the engine's first; `counts` if usage is asked for."""

    def __init__(self, send: Send, request: GenerationRequest) -> None:
        self._send = send
        self._chat = request.route == CHAT
        options = request.body.get("stream_options")
        self.counts = isinstance(options, dict) and bool(options.get("include_usage"))
        self._head: dict[str, Any] = {}

    async def begin(self, chunk: dict[str, Any]) -> None:
        """Start the stream; a chat's begins with its role."""
        self._head = {name: chunk[name] for name in _HEAD if name in chunk}
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        if self._chat:
            await self._event(chunk)

    async def say(self, text: str, ending: Ending | None) -> None:
        """Send a piece; `ending` says why it is the last."""
        reasons: dict[str, Any] = {"finish_reason": ending.finish_reason if ending else None}
        if ending or not self._chat:
            reasons["stop_reason"] = ending.stop_reason if ending else None
        said = {"delta": {"content": text} if text else {}} if self._chat else {"text": text}
        ids = {"token_ids": None} if self._chat else {"prompt_token_ids": None, "token_ids": None}
        choice = {"index": 0, **said, "logprobs": None, **reasons, **ids}
        await self._event({**(ending.chunk if ending else {}), **self._head, "choices": [choice]})

    async def end(self, usage: Usage, closing: dict[str, Any]) -> None:
        """End the stream, with the usage if the client asked for it."""
        if self.counts:
            await self._event({**closing, **self._head, "choices": [], "usage": _counted(usage, closing)})
        await self._send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    async def fail(self, reply: Reply) -> None:
        """End with what the engine said: its status while there is no stream, an event in one."""
        if not self._head:
            return await respond(self._send, reply.status, reply.json())
        event = frame(reply.body) + frame(DONE)
        await self._send({"type": "http.response.body", "body": event, "more_body": False})

    async def _event(self, chunk: dict[str, Any]) -> None:
        await self._send({"type": "http.response.body", "body": frame(orjson.dumps(chunk)), "more_body": True})


class Whole:
    """Tells when all is said."""

    counts = True

    def __init__(self, send: Send, request: GenerationRequest, request_id: str) -> None:
        self._send = send
        self._request = request
        self._id = request_id
        self._text = ""
        self._finish = "stop"

    async def begin(self, chunk: dict[str, Any]) -> None:
        """Wait for the end."""

    async def say(self, text: str, ending: Ending | None) -> None:
        """Keep a piece."""
        self._text += text
        if ending is not None:
            self._finish = ending.finish_reason

    async def end(self, usage: Usage, closing: dict[str, Any]) -> None:
        """Send the answer."""
        choice = said(self._request.route, self._text, self._finish)
        answer = whole(self._request, self._id, [Spoken(choice, usage, closing)])
        await respond(self._send, 200, answer | {"usage": _counted(usage, closing)})

    async def fail(self, reply: Reply) -> None:
        """Send what the engine said."""
        await respond(self._send, reply.status, reply.json())


def _counted(usage: Usage, closing: dict[str, Any]) -> dict[str, Any]:
    return {**(closing.get("usage") or {}), **usage_of(usage)}
