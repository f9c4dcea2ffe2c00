"""Content deltas: what one chunk of a chat choice adds to the items of an answer."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Kind = Literal["reasoning", "text", "refusal", "call"]


class ContentDelta(NamedTuple):
    """Text added to one item: reasoning, text, a refusal, or a tool call.

    call      index of the tool call, -1 for the other kinds
    id, name  of the tool call, in its first delta only
    """

    kind: Kind
    text: str
    call: int = -1
    id: str = ""
    name: str = ""
    logprobs: tuple[dict[str, Any], ...] = ()

    def continues(self, other: ContentDelta | None) -> bool:
        """Return whether this adds to the same item as `other`."""
        return other is not None and (self.kind, self.call) == (other.kind, other.call)


def as_chunk(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a whole chat answer as the only chunk of a stream."""
    choices = [{**choice, "delta": choice.get("message") or {}} for choice in answer.get("choices", [])]
    return {**answer, "choices": choices}


def content_deltas(choice: dict[str, Any], current: ContentDelta | None) -> list[ContentDelta]:
    """Return the deltas of `choice`, those that continue the item of `current` first."""
    delta = choice.get("delta") or {}
    logprobs = tuple((choice.get("logprobs") or {}).get("content") or ())
    deltas = [
        ContentDelta("reasoning", delta.get("reasoning") or delta.get("reasoning_content") or ""),
        ContentDelta("text", delta.get("content") or "", logprobs=logprobs),
        ContentDelta("refusal", delta.get("refusal") or ""),
        *_tool_calls(delta.get("tool_calls") or ()),
    ]
    deltas = [each for each in deltas if each.text or each.id or each.logprobs]
    return sorted(deltas, key=lambda each: not each.continues(current))


def _tool_calls(calls: Any) -> list[ContentDelta]:
    deltas = []
    for index, call in enumerate(calls):
        function = call.get("function") or {}
        text, name = function.get("arguments") or "", function.get("name") or ""
        deltas.append(ContentDelta("call", text, call.get("index", index), call.get("id") or "", name))
    return sorted(deltas, key=lambda each: each.call)
