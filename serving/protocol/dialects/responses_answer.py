"""Translates a chat answer to OpenAI's Responses API: the response object and its events."""

from __future__ import annotations

import time
from typing import Any

from serving.protocol.dialects.content_delta import ContentDelta, content_deltas
from serving.protocol.dialects.dialect import Event
from serving.protocol.dialects.responses_tools import OfferedTool, custom_input, offered_tools
from serving.protocol.errors import ErrorResponse

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
# Members of the request that the response repeats, with the value it holds when they were not sent.
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
# The server stores nothing, so no response can be referred to, continued or fetched later.
STATELESS = {"background": False, "previous_response_id": None, "store": False, "truncation": "disabled"}


class Item:
    """One output item in progress; `first` is the delta that started it, `tool` the tool that it calls."""

    def __init__(self, delta: ContentDelta, index: int, request_id: str, tool: OfferedTool | None) -> None:
        self.first = delta
        self.index = index
        self.tool = tool
        self.kind = "custom" if tool is not None and tool.is_custom else delta.kind
        self.id = f"{PREFIXES[self.kind]}_{request_id}-{index}"
        self.text = ""
        self.logprobs: list[dict[str, Any]] = []
        self.done = False
        self.cut = False

    @property
    def name(self) -> str:
        """The client's own name of the tool that is called."""
        return self.first.name if self.tool is None else self.tool.name

    @property
    def location(self) -> dict[str, Any]:
        """The members of an event that locate the text that it is about."""
        where: dict[str, Any] = {"item_id": self.id, "output_index": self.index}
        return where if self.first.kind == "call" else {**where, "content_index": 0}

    @property
    def part(self) -> dict[str, Any]:
        """The content part of a message or of reasoning."""
        if self.first.kind == "reasoning":
            return {"type": "reasoning_text", "text": self.text}
        if self.first.kind == "refusal":
            return {"type": "refusal", "refusal": self.text}
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": self.logprobs}

    def as_json(self) -> dict[str, Any]:
        """Return the item as `output` lists it."""
        status = "in_progress" if not self.done else "incomplete" if self.cut else "completed"
        common = {"id": self.id, "status": status}
        if self.first.kind == "call":
            named = {"call_id": self.first.id, "name": self.name}
            if self.kind == "custom":
                return {**common, "type": "custom_tool_call", **named, "input": custom_input(self.text)}
            if self.tool is not None and self.tool.namespace is not None:
                named["namespace"] = self.tool.namespace
            return {**common, "type": "function_call", **named, "arguments": self.text}
        content = [self.part] if self.text or self.done else []
        if self.first.kind == "reasoning":
            return {**common, "type": "reasoning", "summary": [], "content": content}
        return {**common, "type": "message", "role": "assistant", "content": content}


# By kind: the delta event, the done event, and the member of the done event that holds the whole text.
DELTA = {
    "text": ("response.output_text.delta", "response.output_text.done", "text"),
    "refusal": ("response.refusal.delta", "response.refusal.done", "refusal"),
    "reasoning": ("response.reasoning_text.delta", "response.reasoning_text.done", "text"),
    "call": ("response.function_call_arguments.delta", "response.function_call_arguments.done", "arguments"),
    "custom": ("response.custom_tool_call_input.delta", "response.custom_tool_call_input.done", "input"),
}
PREFIXES = {"text": "msg", "refusal": "msg", "reasoning": "rs", "call": "fc", "custom": "ctc"}


class ResponsesTranslator:
    """Translates the answer to one Responses request; see `AnswerTranslator`."""

    def __init__(self, original: dict[str, Any], request_id: str) -> None:
        self._original = original
        self._tools = {tool.function["name"]: tool for tool in offered_tools(original.get("tools"))}
        self._request_id = request_id
        self._model = str(original.get("model") or "")
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
        events = self._begin()
        for choice in chunk.get("choices") or ():
            for delta in content_deltas(choice, self._items[-1].first if self._items else None):
                events += self._add(delta)
            self._reason = choice.get("finish_reason") or self._reason
        return events

    def end(self) -> list[Event]:
        if self._status != "in_progress":
            return []
        events = [*self._begin(), *self._close(cut=self._reason in INCOMPLETE)]
        self._status = "incomplete" if self._reason in INCOMPLETE else "completed"
        return [*events, self._event(f"response.{self._status}", response=self.body())]

    def fail(self, error: ErrorResponse) -> list[Event]:
        if self._status != "in_progress":
            return []
        detail = error.body["error"]
        event = self._event("error", code=detail["code"], message=detail["message"], param=detail["param"])
        events = [*self._begin(), *self._close(cut=True), event]
        self._status, self._error = "failed", {"code": "server_error", "message": detail["message"]}
        return [*events, self._event("response.failed", response=self.body())]

    def body(self) -> dict[str, Any]:
        reason = INCOMPLETE.get(self._reason or "") if self._status == "incomplete" else None
        return {
            "id": f"resp_{self._request_id}",
            "object": "response",
            "created_at": self._created,
            "status": self._status,
            "error": self._error,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": self._model,
            "output": [item.as_json() for item in self._items],
            **_repeated(self._original),
            **STATELESS,
            **({"usage": _usage(self._usage)} if self._usage and self._status != "in_progress" else {}),
        }

    def _begin(self) -> list[Event]:
        if self._count:
            return []
        names = ("response.created", "response.in_progress")
        return [self._event(name, response=self.body()) for name in names]

    def _add(self, delta: ContentDelta) -> list[Event]:
        events: list[Event] = []
        item = self._items[-1] if self._items else None
        if item is None or item.done or not delta.continues(item.first):
            events += self._close(cut=False)
            tool = self._tools.get(delta.name) if delta.kind == "call" else None
            item = Item(delta, len(self._items), self._request_id, tool)
            self._items.append(item)
            events.append(self._event("response.output_item.added", output_index=item.index, item=item.as_json()))
            if delta.kind != "call":
                events.append(self._event("response.content_part.added", **item.location, part=item.part))
        item.text += delta.text
        item.logprobs += delta.logprobs
        # A custom tool's text stands inside the arguments, and is known when they end.
        if (delta.text or delta.logprobs) and item.kind != "custom":
            more = {"logprobs": list(delta.logprobs)} if delta.kind == "text" else {}
            events.append(self._event(DELTA[delta.kind][0], **item.location, delta=delta.text, **more))
        return events

    def _close(self, cut: bool) -> list[Event]:
        """Return the events that end the item in progress; none if there is no such item."""
        item = self._items[-1] if self._items else None
        if item is None or item.done:
            return []
        item.done, item.cut = True, cut
        delta, name, member = DELTA[item.kind]
        more: dict[str, Any] = {member: item.text}
        events = []
        if item.kind == "custom":
            more = {member: custom_input(item.text)}
            events.append(self._event(delta, **item.location, delta=more[member]))
        elif item.kind == "call":
            more["name"] = item.name
        elif item.first.kind == "text":
            more["logprobs"] = item.logprobs
        events.append(self._event(name, **item.location, **more))
        if item.first.kind != "call":
            events.append(self._event("response.content_part.done", **item.location, part=item.part))
        done = self._event("response.output_item.done", output_index=item.index, item=item.as_json())
        return [*events, done]

    def _event(self, name: str, /, **members: Any) -> Event:
        event = Event(name, {"type": name, "sequence_number": self._count, **members})
        self._count += 1
        return event


def _repeated(original: dict[str, Any]) -> dict[str, Any]:
    """Return the members of the request that the response repeats."""
    repeated = {
        name: default if original.get(name) is None else original[name] for name, default in REPEATED.items()
    }
    repeated["reasoning"] = {"effort": (original.get("reasoning") or {}).get("effort"), "summary": None}
    # Those that are offered, as the client gave them.
    given = {id(tool.given): tool.given for tool in offered_tools(original.get("tools"))}
    repeated["tools"] = [_tool(tool) for tool in given.values()]
    return repeated


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool["type"] != "function":
        return tool
    return {**tool, "parameters": tool.get("parameters"), "strict": tool.get("strict")}


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    prompt, completion = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": prompt + completion,
    }
