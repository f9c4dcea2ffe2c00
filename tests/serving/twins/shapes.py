"""The shape of a response: all of it but texts, numbers and pace."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import httpx
import orjson

# Headers that are a request's own.
_OWN_HEADERS = frozenset({"x-request-id", "content-length", "date"})
# Members that a client can tell answers apart by, whatever they say.
_WORDS = frozenset({"type", "object", "role", "param", "code", "status"})


def shape(response: httpx.Response) -> dict[str, Any]:
    """Return what must not tell touched from untouched."""
    return _shape(response, _stream)


def shape_without_pace(response: httpx.Response) -> dict[str, Any]:
    """Return the shape, of a stream without where it is divided into pieces of text.

    An engine sends tokens together that nobody fetched in time, so also the last text with the end of an answer
    that ends by itself: its last chunk is one with text then, else one without.
    """
    return _shape(response, lambda text: _without_pieces(_stream(text, _without_last_text)))


def _shape(response: httpx.Response, stream: Callable[[str], Any]) -> dict[str, Any]:
    headers = sorted((n, v) for n, v in response.headers.items() if n not in _OWN_HEADERS and n != "x-shape")
    if response.headers["content-type"].startswith("text/event-stream"):
        return {"status": response.status_code, "headers": headers, "stream": stream(response.text)}
    return {"status": response.status_code, "headers": headers, "body": _value(response.json())}


def _without_pieces(stream: dict[Any, Any]) -> dict[Any, Any]:
    return {index: list(filter(_is_head_or_end, events)) for index, events in stream.items()}


def _without_last_text(chunk: Any) -> Any:
    """Return a chat's last chunk that has text as the one without text that the embedded engine ends with."""
    for choice in (chunk.get("choices") or ()) if isinstance(chunk, dict) else ():
        if choice["finish_reason"] == "stop" and choice.get("delta", {}).get("content"):
            del choice["delta"]["content"]
    return chunk


def _is_head_or_end(event: tuple[str, Any]) -> bool:
    choices = event[1].get("choices") if isinstance(event[1], dict) else None
    if not choices:
        return ".delta" not in event[0]
    return choices[0]["finish_reason"] is not None or "role" in choices[0].get("delta", {})


def _stream(text: str, edit: Callable[[Any], Any] = lambda event: event) -> dict[Any, Any]:
    """Return the shapes of the events of each choice, runs of one shape as one: how many words come is pace."""
    by_choice: dict[Any, list[Any]] = {}
    for event in filter(None, text.split("\n\n")):
        lines = [line for line in event.split("\n") if not line.startswith(":")]
        if not lines:
            continue
        name = next((line for line in lines if line.startswith("event:")), "")
        data = "\n".join(line[5:].strip() for line in lines if line.startswith("data:"))
        value = data if data == "[DONE]" else edit(orjson.loads(data))
        choices = value.get("choices") if isinstance(value, dict) else None
        assert not choices or len(choices) == 1
        index = choices[0]["index"] if choices else "answer"
        by_choice.setdefault(index, []).append((name.replace("incomplete", "completed"), _value(value)))
    return {index: [event for event, _ in groupby(events)] for index, events in by_choice.items()}


def _value(value: Any, member: str = "") -> Any:
    if member == "bytes":
        # Of a token, which may be empty.
        return "bytes"
    if member == "incomplete_details":
        # Whether an answer ends by itself or at a limit is its length, so its pace.
        return None
    if isinstance(value, dict):
        # A completion's alternatives are keyed by token.
        items = value.items()
        if member == "top_logprobs":
            return "alternatives"
        return {key: _value(item, key) for key, item in items}
    if isinstance(value, list):
        shapes = [_value(item, member) for item in value]
        return [each for i, each in enumerate(shapes) if each not in shapes[:i]]
    if member in _WORDS or value is None or isinstance(value, bool):
        return value.replace("incomplete", "completed") if isinstance(value, str) else value
    return type(value).__name__.replace("float", "number").replace("int", "number")
