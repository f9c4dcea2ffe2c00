"""Translates a chat answer to Anthropic's Messages API: the message object and its events."""

from __future__ import annotations

from typing import Any

import orjson

from serving.protocol.depth import is_deep
from serving.protocol.dialects.content_delta import ContentDelta, content_deltas
from serving.protocol.dialects.dialect import Event
from serving.protocol.errors import ContextLengthExceeded, ErrorResponse, context_lengths

BLOCKS = {"reasoning": "thinking", "text": "text", "refusal": "text", "call": "tool_use"}
# By block type: the type of its delta, and the member that holds the text.
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
    """One content block in progress; `first` is the delta that started it."""

    def __init__(self, delta: ContentDelta) -> None:
        self.first = delta
        self.kind = BLOCKS[delta.kind]
        self.text = ""

    def arguments(self) -> dict[str, Any] | None:
        """Return the arguments of a tool call, or None while the text is not a JSON object that can be written
        again."""
        try:
            given = orjson.loads(self.text or "{}")
        except orjson.JSONDecodeError:
            return None
        return given if isinstance(given, dict) and not is_deep(self.text) else None

    def head(self) -> dict[str, Any]:
        """Return the block without content."""
        if self.kind == "tool_use":
            return {"type": self.kind, "id": self.first.id, "name": self.first.name, "input": {}}
        empty = {"type": self.kind, DELTAS[self.kind][1]: ""}
        return {**empty, "signature": ""} if self.kind == "thinking" else empty

    def as_json(self) -> dict[str, Any]:
        """Return the block with its content so far."""
        if self.kind == "tool_use":
            return {**self.head(), "input": self.arguments() or {}}
        return {**self.head(), DELTAS[self.kind][1]: self.text}


class MessagesTranslator:
    """Translates the answer to one Messages request; see `AnswerTranslator`."""

    def __init__(self, original: dict[str, Any], request_id: str) -> None:
        self._id = f"msg_{request_id}"
        self._model = str(original.get("model") or "")
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
            for delta in content_deltas(choice, self._blocks[-1].first if self._blocks else None):
                events += self._add(delta)
            if choice.get("finish_reason") is not None:
                self._reason = choice["finish_reason"]
                stop = choice.get("stop_reason")
                self._sequence = stop if isinstance(stop, str) else None
        return events

    def end(self) -> list[Event]:
        if self._ended:
            return []
        self._ended = True
        body = self.body()
        delta = {"stop_reason": body["stop_reason"], "stop_sequence": body["stop_sequence"]}
        last = [
            Event("message_delta", {"type": "message_delta", "delta": delta, "usage": body["usage"]}),
            Event("message_stop", {"type": "message_stop"}),
        ]
        return [*self._begin(), *self._close(), *last]

    def fail(self, error: ErrorResponse) -> list[Event]:
        if self._ended:
            return []
        self._ended = True
        return [Event("error", failure(error, self._id.removeprefix("msg_")).body)]

    def body(self) -> dict[str, Any]:
        stop, sequence = self._stop()
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [block.as_json() for block in self._blocks],
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
        # A truncated tool call must not run, so the stop reason does not announce it.
        if calls and all(block.arguments() is not None for block in calls):
            return "tool_use", None
        return ("end_turn", None) if self._sequence is None else ("stop_sequence", self._sequence)

    def _begin(self) -> list[Event]:
        if self._begun:
            return []
        self._begun = True
        message = {**self.body(), "content": [], "stop_reason": None, "stop_sequence": None}
        return [Event("message_start", {"type": "message_start", "message": message})]

    def _add(self, delta: ContentDelta) -> list[Event]:
        events: list[Event] = []
        if not self._open or not delta.continues(self._blocks[-1].first):
            events += self._close()
            self._blocks.append(Block(delta))
            self._open = True
            events.append(self._event("content_block_start", content_block=self._blocks[-1].head()))
        block = self._blocks[-1]
        block.text += delta.text
        if delta.text:
            kind, member = DELTAS[block.kind]
            events.append(self._event("content_block_delta", delta={"type": kind, member: delta.text}))
        return events

    def _close(self) -> list[Event]:
        if not self._open:
            return []
        self._open = False
        return [self._event("content_block_stop")]

    def _event(self, name: str, **members: Any) -> Event:
        return Event(name, {"type": name, "index": len(self._blocks) - 1, **members})


def failure(error: ErrorResponse, request_id: str) -> ErrorResponse:
    """Return the error in Anthropic's shape."""
    kind = ERRORS.get(error.status, "api_error")
    detail = {"type": kind, "message": _message(error)}
    return ErrorResponse(error.status, {"type": "error", "error": detail, "request_id": request_id})


def _message(error: ErrorResponse) -> str:
    message: str = error.body["error"]["message"]
    if error.body["error"]["code"] != ContextLengthExceeded.code:
        return message
    # The words by which Anthropic's clients know that they must compact the conversation.
    lengths = context_lengths(orjson.dumps(error.body))
    return f"prompt is too long: {lengths[1]} tokens > {lengths[0]} maximum" if lengths else "prompt is too long"


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return {
        "input_tokens": max(0, (usage.get("prompt_tokens") or 0) - cached),
        "output_tokens": usage.get("completion_tokens") or 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
    }
