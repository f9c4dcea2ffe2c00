"""A `send` that translates a chat answer for the client of another dialect."""

from __future__ import annotations

from typing import Any

import orjson

from serving.http.asgi import Headers, Message, Send
from serving.http.sse import DONE, Splitter, is_stream
from serving.protocol.dialects.content_delta import as_chunk
from serving.protocol.dialects.dialect import Dialect
from serving.protocol.errors import ErrorResponse


class Translated:
    """Takes the ASGI messages of a chat answer and sends the answer to `original` in the client's dialect."""

    def __init__(self, send: Send, dialect: Dialect, original: dict[str, Any], request_id: str) -> None:
        self._client = send
        self._dialect = dialect
        self._request_id = request_id
        self._translator = dialect.translator(original, request_id)
        self._status = 0
        self._headers: Headers = []
        self._streaming = False
        self._splitter = Splitter()

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the chat answer."""
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
            self._streaming = is_stream(message)
            if self._streaming:
                await self._client(message)
        elif message["type"] == "http.response.body":
            body, more = message.get("body", b""), message.get("more_body", False)
            if not self._streaming:
                await self._send_json(body)
            elif body.startswith(b":"):
                # A comment keeps the connection alive in any dialect.
                await self._client(message)
            elif (out := self._events(body)) or not more:
                await self._client({"type": "http.response.body", "body": out, "more_body": more})

    def _events(self, body: bytes) -> bytes:
        frames: list[bytes] = []
        for payload in self._splitter.feed(body):
            if payload == DONE:
                events = self._translator.end()
            else:
                chunk = orjson.loads(payload)
                failed = "error" in chunk
                events = (
                    self._translator.fail(ErrorResponse(503, chunk)) if failed else self._translator.chunk(chunk)
                )
            frames.extend(event.frame() for event in events)
        return b"".join(frames)

    async def _send_json(self, body: bytes) -> None:
        given = orjson.loads(body)
        if self._status == 200:
            self._translator.chunk(as_chunk(given))
            self._translator.end()
            answer = self._translator.body()
        else:
            answer = self._dialect.failure(ErrorResponse(self._status, given), self._request_id).body
        out = orjson.dumps(answer)
        headers = [(name, value) for name, value in self._headers if name != b"content-length"]
        headers.append((b"content-length", str(len(out)).encode()))
        await self._client({"type": "http.response.start", "status": self._status, "headers": headers})
        await self._client({"type": "http.response.body", "body": out})
