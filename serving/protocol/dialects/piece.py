"""Pieces: what one chunk of a chat choice says, each piece belonging to one item of an answer."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Kind = Literal["reasoning", "text", "refusal", "call"]


class Piece(NamedTuple):
    """Some more of one item; `call` is the tool call's index (-1 for others), whose head has `id` and `name`."""

    kind: Kind
    text: str
    call: int = -1
    id: str = ""
    name: str = ""
    logprobs: tuple[dict[str, Any], ...] = ()

    def continues(self, other: Piece | None) -> bool:
        """Whether this is more of the same item as `other`."""
        return other is not None and (self.kind, self.call) == (other.kind, other.call)


def as_chunk(answer: dict[str, Any]) -> dict[str, Any]:
    """A whole chat answer as the one chunk of a stream."""
    choices = [{**choice, "delta": choice.get("message") or {}} for choice in answer.get("choices", [])]
    return {**answer, "choices": choices}


def pieces(choice: dict[str, Any], current: Piece | None) -> list[Piece]:
    """What `choice` says, the rest of the item that `current` began before anything else."""
    delta = choice.get("delta") or {}
    logprobs = tuple((choice.get("logprobs") or {}).get("content") or ())
    said = [
        Piece("reasoning", delta.get("reasoning") or delta.get("reasoning_content") or ""),
        Piece("text", delta.get("content") or "", logprobs=logprobs),
        Piece("refusal", delta.get("refusal") or ""),
        *_calls(delta.get("tool_calls") or ()),
    ]
    said = [piece for piece in said if piece.text or piece.id or piece.logprobs]
    return sorted(said, key=lambda piece: not piece.continues(current))


def _calls(calls: Any) -> list[Piece]:
    found = []
    for place, call in enumerate(calls):
        function = call.get("function") or {}
        text, name = function.get("arguments") or "", function.get("name") or ""
        found.append(Piece("call", text, call.get("index", place), call.get("id") or "", name))
    return sorted(found, key=lambda piece: piece.call)
