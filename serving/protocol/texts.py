"""Every text inside a JSON value that a chat template, a grammar or a tool parser may show to the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from serving.protocol.media import holds_bytes

# Words of the API and of JSON Schema. A key that is none of these is the client's own, and the model may read it.
KEYS = frozenset(
    {
        *("role", "content", "type", "text", "name", "id", "tool_calls", "tool_call_id", "function", "arguments"),
        *(
            "reasoning",
            "reasoning_content",
            "refusal",
            "thinking",
            "input_text",
            "output_text",
            "image_url",
            "url",
        ),
        *("detail", "parameters", "description", "strict", "json_schema", "schema", "mode", "tools"),
        *("json", "regex", "choice", "grammar", "json_object", "structural_tag", "whitespace_pattern"),
        *("disable_any_whitespace", "disable_additional_properties"),
        *("$schema", "$id", "$ref", "$defs", "$comment", "definitions", "title", "default", "examples", "enum"),
        *("const", "properties", "patternProperties", "additionalProperties", "propertyNames", "required"),
        *("dependentRequired", "dependentSchemas", "unevaluatedProperties", "minProperties", "maxProperties"),
        *("items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems"),
        *("unevaluatedItems", "additionalItems", "minLength", "maxLength", "pattern", "format", "minimum"),
        *("maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "allOf", "anyOf", "oneOf", "not"),
        *("if", "then", "else", "nullable", "deprecated", "readOnly", "writeOnly"),
    }
)
# Values of `type`, `role` and `mode` that the API itself gives out.
WORDS = frozenset(
    {
        *("text", "input_text", "output_text", "refusal", "thinking", "function", "json_schema", "json_object"),
        *("object", "array", "string", "number", "integer", "boolean", "null", "auto", "required", "none"),
        *("system", "developer", "user", "assistant", "tool", "structural_tag", "grammar", "image_url"),
    }
)
_NAMED_BY_WORDS = frozenset({"type", "role", "mode"})
# A picture's or a sound's bytes, maybe broken into lines. Short ones could be a word, and cost nothing to read.
_BYTES = re.compile(r"data:[^,\s]*,[A-Za-z0-9+/_\r\n-]*={0,2}\s?|[A-Za-z0-9+/_\r\n-]{256,}={0,2}\s?")
# A shorter number is hardly ever what somebody asks about.
_LEAST_NUMBER = 1_000


def texts_of(value: object) -> Iterator[str]:
    """Yield every string of `value`, every key but KEYS, and every number of four digits, in document order.

    Iterative, so nesting has no limit.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            for key in reversed(item):
                if not (key in _NAMED_BY_WORDS and isinstance(item[key], str) and item[key] in WORDS):
                    stack.append(item[key])
                if key not in KEYS:
                    stack.append(key)
        elif isinstance(item, list):
            stack.extend(reversed(item))
        elif isinstance(item, int | float) and abs(item) >= _LEAST_NUMBER:
            yield str(item)


def texts_of_message(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text of a chat message but its ids, without the bytes of its media."""
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message = {**message, "tool_calls": [_without_id(call, "id") for call in calls]}
    parts = message.get("content")
    if not isinstance(parts, list) or not any(map(holds_bytes, parts)):
        yield from texts_of(_without_id(message, "tool_call_id"))
        return
    yield from texts_of(_without_id({**message, "content": None}, "tool_call_id"))
    for part in parts:
        yield from (text for text in texts_of(part) if not (holds_bytes(part) and is_bytes(text)))


def words_of_message(message: Mapping[str, Any]) -> str:
    """Return what the turn of a chat message says, without what else its members hold."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    return "\n".join(word for word in map(_words, parts) if word is not None)


def others_of_message(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text of a chat message but its ids and the words of its turn, see `words_of_message`."""
    content = message.get("content")
    is_words = isinstance(content, str)
    rest = list(map(_without_words, content)) if isinstance(content, list) else None if is_words else content
    yield from texts_of_message({**message, "content": rest})


def _words(part: object) -> str | None:
    """Return the text of a content part that the engine reads as text."""
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, Mapping) else ""
    text = (
        part.get("text") if isinstance(part, Mapping) and kind in ("text", "input_text", "output_text") else None
    )
    return text if isinstance(text, str) else None


def _without_words(part: object) -> object:
    if _words(part) is None:
        return part
    return {name: value for name, value in part.items() if name != "text"} if isinstance(part, Mapping) else None


def said_last(message: Mapping[str, Any]) -> str:
    """Return the text that an answer goes on with which continues a chat message: what its content says, whatever
    other members it has and in whatever order, and what it reasons where it says nothing."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    said = (part.get("text") or part.get("refusal") if isinstance(part, Mapping) else part for part in parts)
    text = "\n".join(part for part in said if isinstance(part, str))
    return text or "\n".join(texts_of({**message, "content": None}))


def ids_of_message(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of a chat message: a template may print them, though they hardly ever say anything."""
    calls = message.get("tool_calls")
    for item in (message.get("tool_call_id"), *(map(_id, calls) if isinstance(calls, list) else ())):
        if isinstance(item, str):
            yield item


def is_bytes(text: str) -> bool:
    """Return whether a string is base64 too long for a word, or a data URL of base64."""
    return _BYTES.fullmatch(text) is not None


def _id(call: object) -> object:
    return call.get("id") if isinstance(call, Mapping) else None


def _without_id(item: Any, key: str) -> Any:
    if isinstance(item, Mapping) and isinstance(item.get(key), str):
        return {name: value for name, value in item.items() if name != key}
    return item
