"""A `send` that notes how an answer goes: its status, and when a stream's first byte leaves."""

from __future__ import annotations

import time

from serving.http.asgi import Message, Send

ABANDONED = 499


class Watched:
    """Passes every message on; `status` is 500 until an answer begins, `first` the seconds to a stream's begin."""

    def __init__(self, send: Send) -> None:
        self._client = send
        self._started = time.perf_counter()
        self.status = 500
        self.first: float | None = None

    @property
    def seconds(self) -> float:
        """The time since the request came."""
        return time.perf_counter() - self._started

    async def send(self, message: Message) -> None:
        """Take one ASGI message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self.first is None and message.get("more_body") and message.get("body"):
            self.first = self.seconds
        await self._client(message)
