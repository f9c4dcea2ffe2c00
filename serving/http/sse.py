"""Server-sent events as OpenAI's chat and completions streams use them: `data:` frames and a final `[DONE]`."""

from __future__ import annotations

from collections.abc import Iterator

from serving.http.asgi import Message

DONE = b"[DONE]"
# A comment, which clients pass over: a stream's sign of life while there is nothing to say yet.
KEEP_ALIVE = b": keep-alive\n\n"


def is_stream(start: Message) -> bool:
    """Whether an answer that starts so tells events."""
    kinds = (value for name, value in start["headers"] if name.lower() == b"content-type")
    return start["status"] == 200 and any(bytes(kind).startswith(b"text/event-stream") for kind in kinds)


class Splitter:
    """Cuts a byte stream into event payloads; any chunking of the same bytes yields the same payloads.

    Comments and fields other than `data` carry nothing for a client of these routes and are dropped.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The payloads completed by `chunk`, in order."""
        if (
            not self._rest
            and chunk.startswith(b"data: ")
            and chunk.find(b"\n\n") == len(chunk) - 2 == chunk.find(b"\n")
        ):
            # One whole event and nothing else, as engines send them.
            yield chunk[6:-2]
            return
        *events, self._rest = (self._rest + chunk.replace(b"\r", b"")).split(b"\n\n")
        for event in events:
            lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
            if lines:
                yield b"\n".join(lines)


def frame(payload: bytes) -> bytes:
    """One event that carries `payload` (a single line)."""
    return b"data: " + payload + b"\n\n"
