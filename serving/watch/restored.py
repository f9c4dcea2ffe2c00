"""A response to a request with surrogates: the caller's own words are put back, on every surface, as it comes."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from guard.surrogates.restoring import Originals, Restorer
from serving.http.asgi import Message, Send
from serving.http.sse import DONE, KEEP_ALIVE, Splitter, frame, is_stream
from serving.protocol.surfaces import MAIN, has_content, surfaces
from serving.watch.restored_logprobs import restore_logprobs


class RestoredResponse:
    """A `send` that passes on the messages of a response with the caller's words instead of surrogates.

    A stream waits only where a surrogate may have begun. `prompt_tokens` is what usage says of the prompt, awaited
    as the response begins; None: what the engine counted.
    """

    def __init__(self, send: Send, originals: Originals, prompt_tokens: Awaitable[int | None]) -> None:
        self._client = send
        self._originals = originals
        self._counting = prompt_tokens
        self._prompt_tokens: int | None = None
        self._start: Message = {}
        self._streams = False
        self._parts: list[bytes] = []
        self._splitter = Splitter()
        self._choices: dict[int, _Choice] = {}

    async def send(self, message: Message) -> None:
        """Take one ASGI message."""
        if message["type"] == "http.response.start":
            self._start, self._streams = message, is_stream(message)
            self._prompt_tokens = await self._counting
            if self._streams:
                await self._client(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._streams:
            if body != KEEP_ALIVE:
                events = (event for payload in self._splitter.feed(body) for event in self._event(payload))
                body = b"".join(map(frame, events))
            if body or not more:
                await self._client({**message, "body": body})
            return
        self._parts.append(body)
        if not more:
            await self._send_whole(b"".join(self._parts))

    async def _send_whole(self, body: bytes) -> None:
        if self._start["status"] == 200:
            answer = orjson.loads(body)
            for choice in answer.get("choices") or ():
                _Choice(self._originals).whole(choice)
            self._count(answer)
            body = orjson.dumps(answer)
        headers = [
            (name, str(len(body)).encode() if name == b"content-length" else value)
            for name, value in self._start["headers"]
        ]
        await self._client({**self._start, "headers": headers})
        await self._client({"type": "http.response.body", "body": body})

    def _event(self, payload: bytes) -> Iterator[bytes]:
        if payload == DONE or payload.startswith(b'{"error"'):
            yield payload
            return
        chunk = orjson.loads(payload)
        self._count(chunk)
        choices = chunk.get("choices") or ()
        if not choices:
            yield orjson.dumps(chunk)
        for choice in choices:
            own = self._choices.setdefault(choice.get("index", 0), _Choice(self._originals))
            yield from map(orjson.dumps, own.chunk({**chunk, "choices": [choice]}))

    def _count(self, body: dict[str, Any]) -> None:
        usage = body.get("usage")
        if isinstance(usage, dict) and self._prompt_tokens is not None and "prompt_tokens" in usage:
            usage["total_tokens"] = self._prompt_tokens + usage.get("completion_tokens", 0)
            usage["prompt_tokens"] = self._prompt_tokens


@dataclass(slots=True)
class _Waiting:
    """A chunk with one choice, and by surface the characters [start, end) that it says of the answer."""

    chunk: dict[str, Any]
    spans: dict[str, tuple[int, int]]


@dataclass(slots=True)
class _Choice:
    """Puts the caller's words back into one choice. Chunks leave in order, each when its words are known."""

    originals: Originals
    restorers: dict[str, Restorer] = field(default_factory=dict)
    waiting: list[_Waiting] = field(default_factory=list)

    def whole(self, choice: dict[str, Any]) -> None:
        """Restore a whole choice in place."""
        spans = self._read(choice)
        self._finish()
        self._restore(choice, spans)

    def chunk(self, chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Take the next chunk, which has one choice, and yield those that leave now."""
        (choice,) = chunk["choices"]
        self.waiting.append(_Waiting(chunk, self._read(choice)))
        if choice.get("finish_reason") is not None:
            self._finish()
        while self.waiting and self._is_decided(self.waiting[0]):
            first = self.waiting.pop(0)
            (choice,) = first.chunk["choices"]
            said = self._restore(choice, first.spans)
            ends = choice.get("finish_reason") is not None
            is_emptied = not said and any(a < b for a, b in first.spans.values())
            if ends or not is_emptied or choice.get("logprobs") or has_content(choice):
                yield first.chunk

    def _read(self, choice: dict[str, Any]) -> dict[str, tuple[int, int]]:
        spans: dict[str, tuple[int, int]] = {}
        for surface in surfaces(choice):
            text = surface.holder[surface.member]
            if surface.key not in self.restorers:
                in_json = surface.key.endswith(".arguments")
                self.restorers[surface.key] = Restorer(self.originals, in_json=in_json)
            restorer = self.restorers[surface.key]
            start = len(restorer.source)
            restorer.feed(text)
            spans[surface.key] = (start, len(restorer.source))
        said = {key for key, (start, end) in spans.items() if start < end}
        for key, restorer in self.restorers.items() if said else ():
            if key not in said:
                # Engines end one part of an answer before they start the next.
                restorer.finish()
        return spans

    def _finish(self) -> None:
        for restorer in self.restorers.values():
            restorer.finish()

    def _is_decided(self, waiting: _Waiting) -> bool:
        return all(end <= self.restorers[key].decided for key, (_, end) in waiting.spans.items())

    def _restore(self, choice: dict[str, Any], spans: dict[str, tuple[int, int]]) -> bool:
        """Write the caller's words into a choice; return whether it says anything."""
        if isinstance(choice.get("stop_reason"), str):
            choice["stop_reason"] = restored(self.originals, choice["stop_reason"])
        main = next((key for key in MAIN if key in spans), None)
        if choice.get("logprobs") and main is not None:
            start, end = spans[main]
            restore_logprobs(choice["logprobs"], self.restorers[main], start, end, self.originals)
        for surface in list(surfaces(choice)):
            surface.holder[surface.member] = self.restorers[surface.key].written(*spans[surface.key])
        return any(surface.holder[surface.member] for surface in surfaces(choice))


def restored(originals: Originals, text: str) -> str:
    """Return a whole text with the caller's words."""
    restorer = Restorer(originals)
    restorer.feed(text)
    restorer.finish()
    return restorer.text
