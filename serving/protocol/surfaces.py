"""Surfaces: every place in one choice of an answer where text of the model can leave.

A streamed choice keeps its texts in `delta`, a whole chat choice in `message`, a completion in `text`; the guard
sees only `Surface`s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

TEXTS = ("content", "reasoning", "reasoning_content", "refusal")
# Members of a message that hold no text of the model.
PLAIN = frozenset({"role", "tool_calls", "function_call"})
MAIN = ("content", "text")


class Surface(NamedTuple):
    """One text member: `key` names the surface across the chunks of a choice, `holder[member]` is its text."""

    key: str
    holder: dict[str, Any]
    member: str


def speech(choice: dict[str, Any]) -> dict[str, Any]:
    """The object that holds a choice's texts: its delta, its message, or itself for a completion."""
    for member in ("delta", "message"):
        if isinstance(choice.get(member), dict):
            found: dict[str, Any] = choice[member]
            return found
    return choice


def surfaces(choice: dict[str, Any]) -> Iterator[Surface]:
    """Every surface of `choice` that holds text in this chunk."""
    holder = speech(choice)
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
    """The one surface of a chunk that is a piece of text and nothing else; None for any other chunk."""
    if choice.get("finish_reason") is not None or choice.get("logprobs"):
        return None
    delta = choice.get("delta")
    if delta is None:
        return Surface("text", choice, "text") if isinstance(choice.get("text"), str) else None
    if isinstance(delta, dict) and delta.keys() == {"content"} and isinstance(delta["content"], str):
        return Surface("content", delta, "content")
    return None


def withhold_unknown(choice: dict[str, Any]) -> bool:
    """Empty every member of a chat message that no surface covers; True if there was one."""
    holder = speech(choice)
    if holder is choice:
        return False
    unknown = [key for key in holder if key not in PLAIN and key not in TEXTS and holder[key] is not None]
    for key in unknown:
        holder[key] = None
    return bool(unknown)


def add(choice: dict[str, Any], key: str, text: str) -> None:
    """Append `text` to the surface `key` of `choice`, making the member if this chunk lacks it."""
    for surface in surfaces(choice):
        if surface.key == key:
            surface.holder[surface.member] += text
            return
    holder = speech(choice)
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
