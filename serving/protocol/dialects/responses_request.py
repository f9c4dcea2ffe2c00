"""Translates an OpenAI Responses request to a chat request.

Everything that the model reads becomes chat messages, so that the detector reads it too. A member that has no
equivalent is refused, or dropped if it does not affect the answer.
"""

from __future__ import annotations

from typing import Any

from serving.protocol.dialects.dialect import HostedTools, Unmappable, list_of, object_of, text_of
from serving.protocol.dialects.responses_items import append
from serving.protocol.dialects.responses_tools import offered_tools, tool_choice

# Members that vLLM's chat route takes under the same name.
SAME = (
    "model",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "stop",
    "stop_token_ids",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "ignore_eos",
    "min_tokens",
    "include_stop_str_in_output",
    "skip_special_tokens",
    "structured_outputs",
    "parallel_tool_calls",
    "include_reasoning",
    "priority",
    "cache_salt",
    "chat_template_kwargs",
)
WITH_LOGPROBS = "message.output_text.logprobs"


def to_chat(body: dict[str, Any], hosted: HostedTools = "skip") -> dict[str, Any]:
    """Return the chat body for a Responses `body`."""
    chat = {name: body[name] for name in SAME if body.get(name) is not None}
    chat["messages"] = _messages(body)
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    if body.get("stream"):
        chat["stream_options"] = {"include_usage": True}
    offered = offered_tools(body.get("tools"), hosted)
    chosen = tool_choice(body.get("tool_choice"), offered)
    functions = [t.function for t in offered if chosen.only is None or t.function["name"] in chosen.only]
    if functions:
        chat["tools"] = [{"type": "function", "function": function} for function in functions]
        chat["tool_choice"] = chosen.value
    elif body.get("tools") and chosen.value not in ("auto", "none"):
        raise Unmappable("The field 'tool_choice' asks for a tool that is not offered.", field="tool_choice")
    if (shape := _response_format(body.get("text"))) is not None:
        chat["response_format"] = shape
    _check_repeated(body)
    if effort := object_of(body.get("reasoning") or {}, "reasoning").get("effort"):
        chat["reasoning_effort"] = effort
    if WITH_LOGPROBS in list_of(body.get("include"), "include"):
        chat["logprobs"] = True
        chat["top_logprobs"] = body.get("top_logprobs") or 0
    return chat


def _check_repeated(body: dict[str, Any]) -> None:
    """Refuse bad values of members that only the response uses, as it repeats them."""
    metadata = object_of(body.get("metadata") or {}, "metadata")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise Unmappable("The field 'metadata' holds something that is not text.", field="metadata")
    if type(body.get("top_logprobs") or 0) is not int:
        raise Unmappable("The field 'top_logprobs' is not a whole number.", field="top_logprobs")


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    instructions, given = body.get("instructions"), body.get("input")
    messages = []
    if instructions is not None:
        messages.append({"role": "system", "content": text_of(instructions, "instructions")})
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    if not isinstance(given, list):
        raise Unmappable("The field 'input' is neither text nor a list of items.", field="input")
    for item in given:
        append(messages, object_of(item, "input"))
    if all(message["role"] == "system" for message in messages):
        # A client that tries the server sends no turn at all, and a template wants one.
        messages.append({"role": "user", "content": ""})
    return messages


def _response_format(text: object) -> dict[str, Any] | None:
    given = object_of(object_of(text or {}, "text").get("format") or {}, "text")
    kind = given.get("type", "text")
    if kind == "text":
        return None
    if kind == "json_schema":
        members = ("name", "description", "schema", "strict")
        return {"type": kind, "json_schema": {m: given[m] for m in members if given.get(m) is not None}}
    return {"type": kind}
