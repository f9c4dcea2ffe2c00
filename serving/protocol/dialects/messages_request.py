"""Translates an Anthropic Messages request to a chat request, so that the detector reads every text of it."""

from __future__ import annotations

from typing import Any

from serving.protocol.dialects.dialect import HostedTools, Unmappable, list_of, object_of, text_of
from serving.protocol.dialects.messages_blocks import assistant, turn
from serving.protocol.dialects.messages_tools import CHANGES, add_tools

# Members that vLLM's chat route takes under the same name.
SAME = ("model", "stream", "temperature", "top_p", "top_k", "cache_salt", "chat_template_kwargs")
# A line of a coding client's own, new in each request: vLLM 0.32 leaves it out, which keeps prefix caches in use.
BILLING = "x-anthropic-billing-header"


def to_chat(body: dict[str, Any], hosted: HostedTools = "skip") -> dict[str, Any]:
    """Return the chat body for a Messages `body`; a last turn of the assistant is continued."""
    if body.get("max_tokens") is None:
        raise Unmappable("The field 'max_tokens' is required.", field="max_tokens")
    chat = {name: body[name] for name in SAME if body.get(name) is not None}
    chat["max_completion_tokens"] = body["max_tokens"]
    chat["messages"] = _messages(body)
    last = chat["messages"][-1] if chat["messages"] else {}
    if last.get("role") == "assistant" and last["content"] and not last.get("tool_calls"):
        chat |= {"continue_final_message": True, "add_generation_prompt": False}
    if body.get("stream"):
        # The first event already holds the number of prompt tokens.
        chat["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
    if body.get("stop_sequences"):
        chat["stop"] = list_of(body["stop_sequences"], "stop_sequences")
    add_tools(chat, body, hosted)
    _add_output(chat, body)
    return chat


def _add_output(chat: dict[str, Any], body: dict[str, Any]) -> None:
    output = object_of(body.get("output_config") or {}, "output_config")
    if output.get("effort"):
        chat["reasoning_effort"] = output["effort"]
    if output.get("format"):
        given = object_of(output["format"], "output_config")
        if given.get("type") != "json_schema":
            raise Unmappable("The field 'output_config' asks for an unknown format.", field="output_config")
        chat["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": given.get("schema")},
        }
    if object_of(body.get("thinking") or {}, "thinking").get("type") == "disabled":
        chat["reasoning_effort"] = "none"


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if system := _system(body.get("system"), "system"):
        messages.append({"role": "system", "content": system})
    for message in list_of(body.get("messages"), "messages"):
        given = object_of(message, "messages")
        role, content = text_of(given.get("role"), "messages"), given.get("content")
        if role == "system":
            if system := _system(content, "messages"):
                messages.append({"role": "system", "content": system})
        elif isinstance(content, str):
            messages.append({"role": role, "content": content})
        elif role == "assistant":
            messages.append(assistant(list_of(content, "messages")))
        else:
            messages.extend(turn(role, list_of(content, "messages")))
    return messages


def _system(content: object, field: str) -> str:
    """Return the text of a system prompt or turn."""
    blocks = [content] if isinstance(content, str) else list_of(content, field)
    texts = [block if isinstance(block, str) else _text(object_of(block, field), field) for block in blocks]
    return "\n".join(text for text in texts if text and not text.startswith(BILLING))


def _text(block: dict[str, Any], field: str) -> str:
    if block.get("type") in CHANGES and field == "messages":
        # Said of the tools, and taken into account there.
        return ""
    if block.get("type") != "text":
        raise Unmappable(f"The field '{field}' holds content of a type that is not served.", field=field)
    return text_of(block.get("text"), field)
