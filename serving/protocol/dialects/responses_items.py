"""Translates the items of a Responses `input` to chat messages, so that the detector reads every text of them.

What is in a tool's output never ends a session: what has no chat part becomes a placeholder.
"""

from __future__ import annotations

from typing import Any

import orjson

from serving.protocol.dialects.dialect import Unmappable, joined, list_of, object_of, readable, text_of, text_part
from serving.protocol.dialects.responses_tools import custom_arguments, flat_name

FIELD = "input"
# Items that say nothing to a model which is offered no tools of other servers.
_UNSAID = frozenset({"mcp_list_tools", "mcp_approval_request", "mcp_approval_response"})
_UNCALLED = frozenset({"type", "id", "call_id", "status", "pending_safety_checks"})
_TEXTS = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})


def append(messages: list[dict[str, Any]], item: dict[str, Any]) -> None:
    """Add what `item` says to `messages`; Unmappable for an item that chat cannot express."""
    kind = text_of(item.get("type") or "message", FIELD)
    if kind == "message":
        _append_message(messages, item)
    elif kind == "reasoning":
        parts = [*list_of(item.get("summary"), FIELD), *list_of(item.get("content"), FIELD)]
        texts = [text_of(object_of(part, FIELD).get("text"), FIELD) for part in parts]
        messages.append({"role": "assistant", "content": None, "reasoning": "\n".join(texts)})
    elif kind.endswith("_output"):
        # The output of a local shell has the id of its call.
        call_id = text_of(item.get("call_id") or item.get("id"), FIELD)
        messages.append({"role": "tool", "tool_call_id": call_id, "content": _output(item.get("output"))})
    elif kind.endswith("_call") and item.get("call_id") is not None:
        call = {"id": text_of(item["call_id"], FIELD), "type": "function", "function": _called(kind, item)}
        _assistant(messages).setdefault("tool_calls", []).append(call)
    elif kind.endswith("_call"):
        # A tool that another server ran.
        if said := readable(item):
            messages.append({"role": "assistant", "content": f"[{kind}]\n{said}"})
    elif kind not in _UNSAID:
        raise Unmappable("The field 'input' holds an item of a type that is not served.", field=FIELD)


def _called(kind: str, item: dict[str, Any]) -> dict[str, str]:
    """Return the function and its arguments for a call that the client ran."""
    if kind == "function_call":
        name, arguments = text_of(item.get("name"), FIELD), text_of(item.get("arguments"), FIELD)
        return {"name": flat_name(item.get("namespace"), name), "arguments": arguments}
    if kind == "custom_tool_call":
        name = flat_name(item.get("namespace"), text_of(item.get("name"), FIELD))
        return {"name": name, "arguments": custom_arguments(item.get("input"))}
    done = {name: value for name, value in item.items() if name not in _UNCALLED}
    return {"name": kind.removesuffix("_call"), "arguments": orjson.dumps(done).decode()}


def _assistant(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the assistant's last turn, appended if missing: consecutive tool calls share one message."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    return messages[-1]


def _append_message(messages: list[dict[str, Any]], item: dict[str, Any]) -> None:
    role, content = text_of(item.get("role"), FIELD), item.get("content")
    if not isinstance(content, str):
        content = joined([_part(object_of(part, FIELD)) for part in list_of(content, FIELD)])
    if role == "assistant" and messages and messages[-1].keys() == {"role", "content", "reasoning"}:
        # The answer that follows reasoning belongs to the same message.
        messages[-1]["content"] = content
    else:
        messages.append({"role": role, "content": content})


def _output(output: object) -> object:
    """Return the content of a tool's message: text, parts, one part, or nothing."""
    if isinstance(output, str):
        return output
    parts = [output] if isinstance(output, dict) else list_of(output, FIELD)
    return joined([_output_part(object_of(part, FIELD)) for part in parts])


def _output_part(part: dict[str, Any]) -> dict[str, Any]:
    try:
        return _part(part)
    except Unmappable:
        return text_part(readable(part) or "[content omitted]")


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if isinstance(kind, str) and kind in _TEXTS:
        return text_part(text_of(part.get("text"), FIELD))
    if kind == "refusal":
        return text_part(text_of(part.get("refusal"), FIELD))
    if kind in ("input_image", "computer_screenshot"):
        image = {"url": text_of(part.get("image_url"), FIELD), "detail": part.get("detail") or "auto"}
        return {"type": "image_url", "image_url": image}
    if kind == "input_file":
        data = text_of(part.get("file_data") or part.get("file_url"), FIELD)
        name = {"filename": part["filename"]} if isinstance(part.get("filename"), str) else {}
        return {"type": "file", "file": {"file_data": data, **name}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": object_of(part.get("input_audio"), FIELD)}
    raise Unmappable("The field 'input' holds content of a type that is not served.", field=FIELD)
