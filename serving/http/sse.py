"""Server-sent events as OpenAI's streams use them: `data:` frames and a final `[DONE]`."""

from __future__ import annotations

from collections.abc import Iterator

from serving.http.asgi import Message

DONE = b"[DONE]"
# A comment, which clients ignore: keeps a stream alive while there is nothing to send.
KEEP_ALIVE = b": keep-alive\n\n"


def is_stream(start: Message) -> bool:
    """Return whether the response that `start` begins is an event stream."""
    kinds = (value for name, value in start["headers"] if name.lower() == b"content-type")
    return start["status"] == 200 and any(bytes(kind).startswith(b"text/event-stream") for kind in kinds)


class Splitter:
    """Splits a byte stream into event payloads, however the bytes are chunked.

    Comments and fields other than `data` are dropped.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the payloads completed by `chunk`, in order."""
        if (
            not self._rest
            and chunk.startswith(b"data: ")
            and chunk.find(b"\n\n") == len(chunk) - 2 == chunk.find(b"\n")
        ):
            # Fast path: exactly one event, as engines send them.
            yield chunk[6:-2]
            return
        *events, self._rest = (self._rest + chunk.replace(b"\r", b"")).split(b"\n\n")
        for event in events:
            lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
            if lines:
                yield b"\n".join(lines)


def frame(payload: bytes) -> bytes:
    """Return one event with `payload`, a single line."""
    return b"data: " + payload + b"\n\n"
