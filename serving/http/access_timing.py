"""Access timing: status, duration and time to first byte of one response, for metrics and the access log."""

from __future__ import annotations

import time

from serving.http.asgi import Message, Send

# nginx's "client closed request": the client left before the response ended.
CLIENT_CLOSED_REQUEST = 499


class AccessTiming:
    """Wraps `send`: passes every message on and measures the response.

    status         500 until the response starts
    has_begun      whether it has
    first_byte_s   seconds until the first byte of a stream, None before it and for a response that is no stream
    """

    def __init__(self, send: Send) -> None:
        self._client = send
        self._started = time.perf_counter()
        self.status = 500
        self.has_begun = False
        self.first_byte_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request arrived."""
        return time.perf_counter() - self._started

    async def send(self, message: Message) -> None:
        """Pass one ASGI message to the client."""
        if message["type"] == "http.response.start":
            self.status, self.has_begun = message["status"], True
        elif self.first_byte_s is None and message.get("more_body") and message.get("body"):
            self.first_byte_s = self.elapsed_s
        await self._client(message)
