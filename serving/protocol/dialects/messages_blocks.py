"""Translates Anthropic's content blocks to chat messages and parts, so that the detector reads every text of them.

What is in a tool result never ends a session: what has no chat part becomes a placeholder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from serving.protocol.dialects.dialect import Unmappable, joined, list_of, object_of, readable, text_of, text_part
from serving.protocol.media import file_text

FIELD = "messages"


def assistant(blocks: list[Any]) -> dict[str, Any]:
    """Return the chat message for a turn of the assistant's; what other servers' tools did becomes text."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    for block in blocks:
        given = object_of(block, FIELD)
        kind = given.get("type")
        if kind == "text":
            message["content"] = (message["content"] or "") + text_of(given.get("text"), FIELD)
        elif kind == "thinking":
            message["reasoning"] = message.get("reasoning", "") + text_of(given.get("thinking"), FIELD)
        elif kind == "tool_use":
            arguments = orjson.dumps(object_of(given.get("input"), FIELD)).decode()
            function = {"name": text_of(given.get("name"), FIELD), "arguments": arguments}
            call = {"id": text_of(given.get("id"), FIELD), "type": "function", "function": function}
            message.setdefault("tool_calls", []).append(call)
        elif kind in ("server_tool_use", "mcp_tool_use"):
            said = f"[{text_of(given.get('name'), FIELD)} {orjson.dumps(given.get('input')).decode()}]"
            message["content"] = f"{message['content'] or ''}\n{said}\n"
        elif isinstance(kind, str) and kind.endswith("tool_result"):
            message["content"] = f"{message['content'] or ''}\n{readable(given.get('content'))}\n"
        elif kind not in ("redacted_thinking", "fallback"):
            raise _unserved()
    return message


def turn(role: str, blocks: list[Any]) -> list[dict[str, Any]]:
    """Return the messages of a turn that is not the assistant's: those of each tool result, then the rest."""
    results: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for block in blocks:
        given = object_of(block, FIELD)
        if given.get("type") == "tool_result":
            results += _results(given)
        else:
            parts += _parts(given)
    return [*results, {"role": role, "content": joined(parts)}] if parts or not results else results


def _results(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    call = {"role": "tool", "tool_call_id": text_of(block.get("tool_use_id"), FIELD)}
    content = block.get("content") or ""
    blocks = content if isinstance(content, list) else [text_part(text_of(content, FIELD))]
    given = [object_of(each, FIELD) for each in blocks]
    references = [each for each in given if each.get("type") == "tool_reference"]
    parts = [part for each in given if each not in references for part in _result_parts(each)]
    yield {**call, "content": joined(parts)}
    names = [text_of(each.get("tool_name") or each.get("name"), FIELD) for each in references]
    if names:
        # Templates of models that look tools up expand them (vLLM 0.32).
        yield {**call, "content": [{"type": "tool_reference", "name": name} for name in names]}


def _result_parts(block: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        return _parts(block)
    except Unmappable:
        return [text_part(readable(block) or "[content omitted]")]


def _parts(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the chat parts for a block of text, media or both."""
    kind = block.get("type")
    if kind == "text":
        return [text_part(text_of(block.get("text"), FIELD))]
    if kind == "image":
        return [_image(object_of(block.get("source"), FIELD))]
    if kind == "document":
        return _document(block)
    if kind == "search_result":
        heads = [text_part(text_of(block[name], FIELD)) for name in ("title", "source") if block.get(name)]
        blocks = list_of(block.get("content"), FIELD)
        return [*heads, *(part for each in blocks for part in _parts(object_of(each, FIELD)))]
    raise _unserved()


def _document(block: dict[str, Any]) -> list[dict[str, Any]]:
    heads = [text_part(text_of(block[name], FIELD)) for name in ("title", "context") if block.get(name)]
    source = object_of(block.get("source"), FIELD)
    kind = source.get("type")
    if kind == "content":
        content = source.get("content")
        blocks = [text_part(content)] if isinstance(content, str) else list_of(content, FIELD)
        return [*heads, *(part for each in blocks for part in _parts(object_of(each, FIELD)))]
    if kind == "url":
        return [*heads, {"type": "file", "file": {"file_data": text_of(source.get("url"), FIELD)}}]
    if kind == "file":
        raise _unserved()
    data = text_of(source.get("data"), FIELD)
    text = data if kind == "text" else file_text(data)
    if text is not None:
        return [*heads, text_part(text)]
    return [*heads, {"type": "file", "file": {"file_data": data}}]


def _image(source: dict[str, Any]) -> dict[str, Any]:
    if source.get("type") == "url":
        url = text_of(source.get("url"), FIELD)
    else:
        kind, data = text_of(source.get("media_type", "image/jpeg"), FIELD), text_of(source.get("data"), FIELD)
        url = f"data:{kind};base64,{data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _unserved() -> Unmappable:
    return Unmappable("The field 'messages' holds content of a type that is not served.", field=FIELD)
