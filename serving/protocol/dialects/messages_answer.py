"""A chat answer as Anthropic's Messages answer: the object and its events."""

from __future__ import annotations

from typing import Any

import orjson

from serving.protocol.dialects.dialect import Event
from serving.protocol.dialects.piece import Piece, pieces
from serving.protocol.errors import ErrorResponse

BLOCKS = {"reasoning": "thinking", "text": "text", "refusal": "text", "call": "tool_use"}
# The event that says more of a block, and its member.
DELTAS = {
    "thinking": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "tool_use": ("input_json_delta", "partial_json"),
}
STOPS = {"length": "max_tokens", "content_filter": "refusal"}
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class Block:
    """One content block while it is being said."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.kind = BLOCKS[piece.kind]
        self.text = ""

    def arguments(self) -> dict[str, Any] | None:
        """What a tool is called with; None while the text is no JSON object."""
        try:
            given = orjson.loads(self.text or "{}")
        except orjson.JSONDecodeError:
            return None
        return given if isinstance(given, dict) else None

    def head(self) -> dict[str, Any]:
        """The block before anything was said."""
        if self.kind == "tool_use":
            return {"type": self.kind, "id": self.piece.id, "name": self.piece.name, "input": {}}
        empty = {"type": self.kind, DELTAS[self.kind][1]: ""}
        return {**empty, "signature": ""} if self.kind == "thinking" else empty

    def shown(self) -> dict[str, Any]:
        """The block as it stands."""
        if self.kind == "tool_use":
            return {**self.head(), "input": self.arguments() or {}}
        return {**self.head(), DELTAS[self.kind][1]: self.text}


class MessageTelling:
    """The answer to one Messages request."""

    def __init__(self, asked: dict[str, Any], request_id: str) -> None:
        self._id = f"msg_{request_id}"
        self._model = str(asked.get("model") or "")
        self._blocks: list[Block] = []
        self._open = False
        self._usage: dict[str, Any] = {}
        self._reason: str | None = None
        self._sequence: str | None = None
        self._begun = False
        self._ended = False

    def chunk(self, chunk: dict[str, Any]) -> list[Event]:
        self._model = chunk.get("model") or self._model
        self._usage = chunk.get("usage") or self._usage
        events = self._begin()
        for choice in chunk.get("choices") or ():
            for piece in pieces(choice, self._blocks[-1].piece if self._blocks else None):
                events += self._say(piece)
            if choice.get("finish_reason") is not None:
                self._reason = choice["finish_reason"]
                stop = choice.get("stop_reason")
                self._sequence = stop if isinstance(stop, str) else None
        return events

    def end(self) -> list[Event]:
        if self._ended:
            return []
        self._ended = True
        whole = self.whole()
        delta = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
        last = [
            Event("message_delta", {"type": "message_delta", "delta": delta, "usage": whole["usage"]}),
            Event("message_stop", {"type": "message_stop"}),
        ]
        return [*self._begin(), *self._close(), *last]

    def broken(self, error: ErrorResponse) -> list[Event]:
        if self._ended:
            return []
        self._ended = True
        return [Event("error", failure(error, self._id.removeprefix("msg_")).body)]

    def whole(self) -> dict[str, Any]:
        stop, sequence = self._stop()
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [block.shown() for block in self._blocks],
            "stop_reason": stop,
            "stop_sequence": sequence,
            "usage": _usage(self._usage),
        }

    def _stop(self) -> tuple[str | None, str | None]:
        if self._reason is None:
            return None, None
        if self._reason in STOPS:
            return STOPS[self._reason], None
        calls = [block for block in self._blocks if block.kind == "tool_use"]
        # A call that was cut short must not run, so it is not announced as one.
        if calls and all(block.arguments() is not None for block in calls):
            return "tool_use", None
        return ("end_turn", None) if self._sequence is None else ("stop_sequence", self._sequence)

    def _begin(self) -> list[Event]:
        if self._begun:
            return []
        self._begun = True
        message = {**self.whole(), "content": [], "stop_reason": None, "stop_sequence": None}
        return [Event("message_start", {"type": "message_start", "message": message})]

    def _say(self, piece: Piece) -> list[Event]:
        events: list[Event] = []
        if not self._open or not piece.continues(self._blocks[-1].piece):
            events += self._close()
            self._blocks.append(Block(piece))
            self._open = True
            events.append(self._event("content_block_start", content_block=self._blocks[-1].head()))
        block = self._blocks[-1]
        block.text += piece.text
        if piece.text:
            kind, member = DELTAS[block.kind]
            events.append(self._event("content_block_delta", delta={"type": kind, member: piece.text}))
        return events

    def _close(self) -> list[Event]:
        if not self._open:
            return []
        self._open = False
        return [self._event("content_block_stop")]

    def _event(self, name: str, **members: Any) -> Event:
        return Event(name, {"type": name, "index": len(self._blocks) - 1, **members})


def failure(error: ErrorResponse, request_id: str) -> ErrorResponse:
    """The error in Anthropic's envelope."""
    kind = ERRORS.get(error.status, "api_error")
    said = {"type": kind, "message": error.body["error"]["message"]}
    return ErrorResponse(error.status, {"type": "error", "error": said, "request_id": request_id})


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {
        "input_tokens": max(0, (usage.get("prompt_tokens") or 0) - cached),
        "output_tokens": usage.get("completion_tokens") or 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
    }
