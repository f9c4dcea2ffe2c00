"""How an answer that several calls of the engine made reaches the client: as one stream, or whole in the end."""

from __future__ import annotations

from typing import Any, Protocol

import orjson

from agents.chat import Usage
from serving.agents.speech import Spoken, said, usage_of, whole
from serving.asgi import Send, respond
from serving.denied import CHAT
from serving.inner import Reply
from serving.request import GenerationRequest
from serving.sse import DONE, frame


class Teller(Protocol):
    """Told of one choice: its first chunk, its text as it may leave, and its end or why there is none."""

    async def begin(self, chunk: dict[str, Any]) -> None: ...

    async def say(self, text: str, ending: dict[str, Any] | None) -> None: ...

    async def end(self, usage: Usage) -> None: ...

    async def fail(self, reply: Reply) -> None: ...


class Streamed:
    """Tells in chunks of the route, all under the head of the engine's first."""

    def __init__(self, send: Send, request: GenerationRequest, request_id: str) -> None:
        self._send = send
        self._chat = request.route == CHAT
        options = request.body.get("stream_options")
        self._counts = isinstance(options, dict) and bool(options.get("include_usage"))
        self._head: dict[str, Any] = {}

    async def begin(self, chunk: dict[str, Any]) -> None:
        """Start the stream; a chat's begins with its role."""
        self._head = {name: value for name, value in chunk.items() if name != "choices"}
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        if self._chat:
            await self._choice({"delta": {"role": "assistant", "content": ""}}, None)

    async def say(self, text: str, ending: dict[str, Any] | None) -> None:
        """Send a piece; `ending` says why it is the last."""
        await self._choice({"delta": {"content": text}} if self._chat else {"text": text}, ending)

    async def end(self, usage: Usage) -> None:
        """End the stream, with the usage if the client asked for it."""
        if self._counts:
            await self._event([], usage=usage_of(usage))
        await self._send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    async def fail(self, reply: Reply) -> None:
        """End with what the engine said: its status while there is no stream, an event in one."""
        if not self._head:
            return await respond(self._send, reply.status, reply.json())
        event = frame(reply.body) + frame(DONE)
        await self._send({"type": "http.response.body", "body": event, "more_body": False})

    async def _choice(self, spoken: dict[str, Any], ending: dict[str, Any] | None) -> None:
        await self._event([{"index": 0, **spoken, "logprobs": None, **(ending or {"finish_reason": None})}])

    async def _event(self, choices: list[dict[str, Any]], **members: object) -> None:
        payload = orjson.dumps({**self._head, "choices": choices, **members})
        await self._send({"type": "http.response.body", "body": frame(payload), "more_body": True})


class Whole:
    """Tells when all is said."""

    def __init__(self, send: Send, request: GenerationRequest, request_id: str) -> None:
        self._send = send
        self._request = request
        self._id = request_id
        self._head: dict[str, Any] = {}
        self._text = ""
        self._finish = "stop"

    async def begin(self, chunk: dict[str, Any]) -> None:
        """Keep what belongs to the answer as a whole."""
        self._head = chunk

    async def say(self, text: str, ending: dict[str, Any] | None) -> None:
        """Keep a piece."""
        self._text += text
        if ending is not None:
            self._finish = ending["finish_reason"]

    async def end(self, usage: Usage) -> None:
        """Send the answer."""
        choice = said(self._request.route, self._text, self._finish)
        await respond(self._send, 200, whole(self._request, self._id, [Spoken(choice, usage, self._head)]))

    async def fail(self, reply: Reply) -> None:
        """Send what the engine said."""
        await respond(self._send, reply.status, reply.json())
