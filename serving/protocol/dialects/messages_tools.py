"""The tools of a Messages request: those of the client's own, as the turns of the conversation leave them."""

from __future__ import annotations

from typing import Any

from serving.protocol.dialects.dialect import HostedTools, Unmappable, list_of, object_of, text_of

CHOICES = {"auto": "auto", "any": "required", "none": "none"}
CHANGES = ("tool_addition", "tool_removal")


def add_tools(chat: dict[str, Any], body: dict[str, Any], hosted: HostedTools) -> None:
    """Add the tools of `body` and their choice to `chat`.

    Raises Unmappable for a choice of none of them, and where `hosted` says so for a tool that is not the client's.
    """
    given = list_of(body.get("tools"), "tools")
    tools = {}
    for tool in given:
        read = object_of(tool, "tools")
        if (read.get("type") or "custom") == "custom":
            tools[text_of(read.get("name"), "tools")] = _function(read)
        elif hosted == "refuse":
            raise Unmappable("The field 'tools' names a tool that is not the client's.", field="tools")
    _change(tools, body)
    choice = object_of(body.get("tool_choice") or {"type": "auto"}, "tool_choice")
    kind = choice.get("type")
    if not tools:
        if given and kind in ("any", "tool"):
            raise Unmappable("The field 'tool_choice' asks for a tool that is not offered.", field="tool_choice")
        return
    chat["tools"] = [{"type": "function", "function": function} for function in tools.values()]
    if kind == "tool":
        name = text_of(choice.get("name"), "tool_choice")
        chat["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif isinstance(kind, str) and kind in CHOICES:
        chat["tool_choice"] = CHOICES[kind]
    else:
        raise Unmappable("The field 'tool_choice' is of a type that is not served.", field="tool_choice")
    if choice.get("disable_parallel_tool_use"):
        chat["parallel_tool_calls"] = False


def _change(tools: dict[str, dict[str, Any]], body: dict[str, Any]) -> None:
    """Add and remove what the system turns of `body` say, as vLLM 0.32 does."""
    for turn in list_of(body.get("messages"), "messages"):
        content = object_of(turn, "messages").get("content")
        blocks = content if isinstance(content, list) and turn.get("role") == "system" else []
        for block in blocks:
            if isinstance(block, dict) and block.get("type") in CHANGES:
                change = object_of(block.get("tool"), "messages")
                definition = object_of(change.get("definition") or change, "messages")
                name = text_of(definition.get("name"), "messages")
                if block["type"] == "tool_removal":
                    tools.pop(name, None)
                elif "definition" in change:
                    tools[name] = _function(definition)


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    function = {"name": text_of(tool.get("name"), "tools"), "parameters": tool.get("input_schema") or {}}
    if tool.get("description") is not None:
        function["description"] = text_of(tool["description"], "tools")
    return function
