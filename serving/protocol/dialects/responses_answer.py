"""A chat answer as OpenAI's Responses answer: the object and its events."""

from __future__ import annotations

import time
from typing import Any

from serving.protocol.dialects.dialect import Event
from serving.protocol.dialects.piece import Piece, pieces
from serving.protocol.errors import ErrorResponse

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
# Members of the request that the answer repeats as they came, with what it says when they were not sent.
REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
}
# Nothing is kept, so nothing can be named, continued or fetched later.
STATELESS = {"background": False, "previous_response_id": None, "store": False, "truncation": "disabled"}


class Item:
    """One item of the output while it is being said."""

    def __init__(self, piece: Piece, index: int, id: str) -> None:
        self.piece = piece
        self.index = index
        self.id = id
        self.text = ""
        self.logprobs: list[dict[str, Any]] = []
        self.done = False
        self.cut = False

    @property
    def place(self) -> dict[str, Any]:
        """The members that say in an event which text it is about."""
        where: dict[str, Any] = {"item_id": self.id, "output_index": self.index}
        return where if self.piece.kind == "call" else {**where, "content_index": 0}

    @property
    def part(self) -> dict[str, Any]:
        """The content part of a message or of reasoning."""
        if self.piece.kind == "reasoning":
            return {"type": "reasoning_text", "text": self.text}
        if self.piece.kind == "refusal":
            return {"type": "refusal", "refusal": self.text}
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": self.logprobs}

    def shown(self) -> dict[str, Any]:
        """The item as the output lists it."""
        status = "in_progress" if not self.done else "incomplete" if self.cut else "completed"
        common = {"id": self.id, "status": status}
        if self.piece.kind == "call":
            names = {"call_id": self.piece.id, "name": self.piece.name}
            return {**common, "type": "function_call", **names, "arguments": self.text}
        content = [self.part] if self.text or self.done else []
        if self.piece.kind == "reasoning":
            return {**common, "type": "reasoning", "summary": [], "content": content}
        return {**common, "type": "message", "role": "assistant", "content": content}


# The words of each kind's events: more of it, all of it, and the member that has all of it.
DELTA = {
    "text": ("response.output_text.delta", "response.output_text.done", "text"),
    "refusal": ("response.refusal.delta", "response.refusal.done", "refusal"),
    "reasoning": ("response.reasoning_text.delta", "response.reasoning_text.done", "text"),
    "call": ("response.function_call_arguments.delta", "response.function_call_arguments.done", "arguments"),
}
PREFIXES = {"text": "msg", "refusal": "msg", "reasoning": "rs", "call": "fc"}


class ResponseTelling:
    """The answer to one Responses request."""

    def __init__(self, asked: dict[str, Any], request_id: str) -> None:
        self._asked = asked
        self._request_id = request_id
        self._model = str(asked.get("model") or "")
        self._created = int(time.time())
        self._items: list[Item] = []
        self._usage: dict[str, Any] | None = None
        self._reason: str | None = None
        self._status = "in_progress"
        self._error: dict[str, Any] | None = None
        self._count = 0

    def chunk(self, chunk: dict[str, Any]) -> list[Event]:
        self._model = chunk.get("model") or self._model
        self._usage = chunk.get("usage") or self._usage
        events = self._begun()
        for choice in chunk.get("choices") or ():
            for piece in pieces(choice, self._items[-1].piece if self._items else None):
                events += self._say(piece)
            self._reason = choice.get("finish_reason") or self._reason
        return events

    def end(self) -> list[Event]:
        if self._status != "in_progress":
            return []
        events = [*self._begun(), *self._close(cut=self._reason in INCOMPLETE)]
        self._status = "incomplete" if self._reason in INCOMPLETE else "completed"
        return [*events, self._event(f"response.{self._status}", response=self.whole())]

    def broken(self, error: ErrorResponse) -> list[Event]:
        if self._status != "in_progress":
            return []
        said = error.body["error"]
        told = self._event("error", code=said["code"], message=said["message"], param=said["param"])
        events = [*self._begun(), *self._close(cut=True), told]
        self._status, self._error = "failed", {"code": "server_error", "message": said["message"]}
        return [*events, self._event("response.failed", response=self.whole())]

    def whole(self) -> dict[str, Any]:
        reason = INCOMPLETE.get(self._reason or "") if self._status == "incomplete" else None
        return {
            "id": f"resp_{self._request_id}",
            "object": "response",
            "created_at": self._created,
            "status": self._status,
            "error": self._error,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": self._model,
            "output": [item.shown() for item in self._items],
            **_repeated(self._asked),
            **STATELESS,
            **({"usage": _usage(self._usage)} if self._usage and self._status != "in_progress" else {}),
        }

    def _begun(self) -> list[Event]:
        if self._count:
            return []
        names = ("response.created", "response.in_progress")
        return [self._event(name, response=self.whole()) for name in names]

    def _say(self, piece: Piece) -> list[Event]:
        events: list[Event] = []
        item = self._items[-1] if self._items else None
        if item is None or item.done or not piece.continues(item.piece):
            events += self._close(cut=False)
            item = Item(piece, len(self._items), f"{PREFIXES[piece.kind]}_{self._request_id}-{len(self._items)}")
            self._items.append(item)
            events.append(self._event("response.output_item.added", output_index=item.index, item=item.shown()))
            if piece.kind != "call":
                events.append(self._event("response.content_part.added", **item.place, part=item.part))
        item.text += piece.text
        item.logprobs += piece.logprobs
        if piece.text or piece.logprobs:
            more = {"logprobs": list(piece.logprobs)} if piece.kind == "text" else {}
            events.append(self._event(DELTA[piece.kind][0], **item.place, delta=piece.text, **more))
        return events

    def _close(self, cut: bool) -> list[Event]:
        """End the item that is being said, if any."""
        item = self._items[-1] if self._items else None
        if item is None or item.done:
            return []
        item.done, item.cut = True, cut
        _, name, member = DELTA[item.piece.kind]
        more: dict[str, Any] = {member: item.text}
        if item.piece.kind == "call":
            more["name"] = item.piece.name
        elif item.piece.kind == "text":
            more["logprobs"] = item.logprobs
        events = [self._event(name, **item.place, **more)]
        if item.piece.kind != "call":
            events.append(self._event("response.content_part.done", **item.place, part=item.part))
        done = self._event("response.output_item.done", output_index=item.index, item=item.shown())
        return [*events, done]

    def _event(self, name: str, /, **members: Any) -> Event:
        event = Event(name, {"type": name, "sequence_number": self._count, **members})
        self._count += 1
        return event


def _repeated(asked: dict[str, Any]) -> dict[str, Any]:
    """What the answer says again of the request."""
    said = {name: default if (given := asked.get(name)) is None else given for name, default in REPEATED.items()}
    said["reasoning"] = {"effort": (asked.get("reasoning") or {}).get("effort"), "summary": None}
    said["tools"] = [
        {**tool, "parameters": tool.get("parameters"), "strict": tool.get("strict")}
        for tool in asked.get("tools") or ()
    ]
    return said


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    read, said = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": read + said,
    }
