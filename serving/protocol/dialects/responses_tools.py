"""The tools of a Responses request: which of them a chat can offer, and under what names.

Functions are offered, those of a namespace under `namespace__name`, and custom tools as functions of one text (as
vLLM 0.32 shows them). Tools that a server would have to run are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from serving.protocol.dialects.dialect import HostedTools, Unmappable, list_of, object_of, text_of

_MEMBERS = ("name", "description", "parameters", "strict")
_CUSTOM_INPUT = "input"
_CUSTOM_PARAMETERS = {
    "type": "object",
    "properties": {_CUSTOM_INPUT: {"type": "string", "description": "The freeform text payload for this tool."}},
    "required": [_CUSTOM_INPUT],
    "additionalProperties": False,
}


class OfferedTool(NamedTuple):
    """A tool that is offered: its chat function, the client's own tool, and what the client calls it."""

    function: dict[str, Any]
    given: dict[str, Any]
    name: str
    namespace: str | None = None

    @property
    def is_custom(self) -> bool:
        """Whether the tool takes a text instead of arguments."""
        return self.given.get("type") == "custom"


class ToolChoice(NamedTuple):
    """Chat's `tool_choice`, and the names of the only functions offered (None: all)."""

    value: object
    only: frozenset[str] | None = None


def offered_tools(tools: object, hosted: HostedTools = "skip") -> list[OfferedTool]:
    """Return the tools that chat can offer; Unmappable for one that it cannot, where `hosted` says so."""
    offered = []
    for tool in list_of(tools, "tools"):
        found = list(_offered(object_of(tool, "tools")))
        if not found and hosted == "refuse":
            raise Unmappable("The field 'tools' names a tool that is no function of the client's.", field="tools")
        offered += found
    return offered


def _offered(tool: dict[str, Any]) -> Iterator[OfferedTool]:
    kind = tool.get("type")
    if kind == "function":
        yield OfferedTool(_function(tool), tool, text_of(tool.get("name"), "tools"))
    elif kind == "custom" and object_of(tool.get("format") or {}, "tools").get("type", "text") == "text":
        name = text_of(tool.get("name"), "tools")
        yield OfferedTool(_function({**tool, "parameters": _CUSTOM_PARAMETERS}), tool, name)
    elif kind == "namespace":
        namespace = text_of(tool.get("name"), "tools")
        for inner in list_of(tool.get("tools"), "tools"):
            function = object_of(inner, "tools")
            if function.get("type") == "function":
                name = text_of(function.get("name"), "tools")
                flat = {**function, "name": flat_name(namespace, name)}
                yield OfferedTool(_function(flat), tool, name, namespace)


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    return {member: tool[member] for member in _MEMBERS if tool.get(member) is not None}


def flat_name(namespace: object, name: str) -> str:
    """Return the name of a function as chat has it."""
    return f"{namespace}__{name}" if isinstance(namespace, str) and namespace else name


def tool_choice(given: object, offered: Iterable[OfferedTool]) -> ToolChoice:
    """Return chat's choice among the offered tools; Unmappable for the choice of a tool that is not offered."""
    if given is None or isinstance(given, str):
        return ToolChoice(given or "auto")
    choice = object_of(given, "tool_choice")
    if choice.get("type") in ("function", "custom"):
        return ToolChoice({"type": "function", "function": {"name": _chosen(choice, offered)}})
    if choice.get("type") == "allowed_tools":
        tools = [object_of(tool, "tool_choice") for tool in list_of(choice.get("tools"), "tool_choice")]
        named = [tool for tool in tools if tool.get("type") in ("function", "custom", None)]
        names = frozenset(_chosen(tool, offered) for tool in named)
        return ToolChoice(text_of(choice.get("mode"), "tool_choice"), names)
    raise Unmappable("The field 'tool_choice' names a tool that is no function.", field="tool_choice")


def _chosen(choice: dict[str, Any], offered: Iterable[OfferedTool]) -> str:
    name = flat_name(choice.get("namespace"), text_of(choice.get("name"), "tool_choice"))
    flat = [tool.function["name"] for tool in offered if tool.name == name]
    # A function of one namespace may be chosen by its own name.
    return flat[0] if len(flat) == 1 else name


def custom_arguments(text: object) -> str:
    """Return the arguments of the function that a custom tool is shown as."""
    return orjson.dumps({_CUSTOM_INPUT: text if isinstance(text, str) else ""}).decode()


def custom_input(arguments: str) -> str:
    """Return the text that the arguments of a custom tool hold; the arguments themselves if they hold none."""
    try:
        given = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = given.get(_CUSTOM_INPUT) if isinstance(given, dict) else None
    return text if isinstance(text, str) else arguments
