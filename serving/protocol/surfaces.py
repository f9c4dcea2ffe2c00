"""Surfaces: every member of a choice through which the model's text can reach the client.

A streamed choice holds its texts in `delta`, a whole chat choice in `message`, a completion in `text`. The output
guard handles all of them as `Surface`s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

TEXTS = ("content", "reasoning", "reasoning_content", "refusal")
# Members of a message that hold no text of the model.
PLAIN = frozenset({"role", "tool_calls", "function_call"})
MAIN = ("content", "text")


class Surface(NamedTuple):
    """One text member, `holder[member]`; `key` identifies the surface across the chunks of a choice."""

    key: str
    holder: dict[str, Any]
    member: str


def text_holder(choice: dict[str, Any]) -> dict[str, Any]:
    """Return the object that holds a choice's texts: its delta, its message, or the completion's choice itself."""
    for member in ("delta", "message"):
        if isinstance(choice.get(member), dict):
            found: dict[str, Any] = choice[member]
            return found
    return choice


def surfaces(choice: dict[str, Any]) -> Iterator[Surface]:
    """Yield every surface of `choice` that is present in this chunk."""
    holder = text_holder(choice)
    if holder is choice:
        if isinstance(choice.get("text"), str):
            yield Surface("text", choice, "text")
        return
    for member in TEXTS:
        if isinstance(holder.get(member), str):
            yield Surface(member, holder, member)
    for place, call in enumerate(holder.get("tool_calls") or ()):
        yield from _function(f"tool{call.get('index', place)}", call.get("function"))
    yield from _function("function", holder.get("function_call"))


def plain_piece(choice: dict[str, Any]) -> Surface | None:
    """Return the surface of a choice that holds one piece of text and nothing else; None for any other choice."""
    if choice.get("finish_reason") is not None or choice.get("logprobs"):
        return None
    delta = choice.get("delta")
    if delta is None:
        return Surface("text", choice, "text") if isinstance(choice.get("text"), str) else None
    if isinstance(delta, dict) and delta.keys() == {"content"} and isinstance(delta["content"], str):
        return Surface("content", delta, "content")
    return None


def withhold_unknown(choice: dict[str, Any]) -> bool:
    """Set every member of a chat message that no surface covers to None; return whether there was one."""
    holder = text_holder(choice)
    if holder is choice:
        return False
    unknown = [key for key in holder if key not in PLAIN and key not in TEXTS and holder[key] is not None]
    for key in unknown:
        holder[key] = None
    return bool(unknown)


def part_of(key: str) -> str:
    """Return the part of a message that a surface belongs to: a tool call's name and arguments are one part."""
    return key.split(".")[0]


def has_text(choice: dict[str, Any]) -> bool:
    """Return whether a choice holds any text, or the head of a tool call."""
    return bool(text_holder(choice).get("tool_calls")) or any(s.holder[s.member] for s in surfaces(choice))


def has_content(choice: dict[str, Any]) -> bool:
    """Return whether a choice in the middle of a stream holds anything that a client needs."""
    holder = text_holder(choice)
    named = any(call.get("id") for call in holder.get("tool_calls") or ())
    return bool(holder.get("role") or named or any(s.holder[s.member] for s in surfaces(choice)))


def clear_texts(choice: dict[str, Any]) -> None:
    """Empty every text of a choice; its members stay."""
    for surface in surfaces(choice):
        surface.holder[surface.member] = ""


def append_text(choice: dict[str, Any], key: str, text: str) -> None:
    """Append `text` to the surface `key` of `choice`; add the member if this chunk lacks it."""
    for surface in surfaces(choice):
        if surface.key == key:
            surface.holder[surface.member] += text
            return
    holder = text_holder(choice)
    if key in TEXTS or key == "text":
        holder[key] = text
    elif key.startswith("tool"):
        place, member = key.removeprefix("tool").split(".")
        holder.setdefault("tool_calls", []).append({"index": int(place), "function": {member: text}})
    else:
        holder["function_call"] = {key.split(".")[1]: text}


def _function(prefix: str, function: object) -> Iterator[Surface]:
    if isinstance(function, dict):
        for member in ("name", "arguments"):
            if isinstance(function.get(member), str):
                yield Surface(f"{prefix}.{member}", function, member)
