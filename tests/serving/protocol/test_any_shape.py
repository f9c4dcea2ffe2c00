"""A body of whatever shape is read or refused, and its answer can be begun: nothing else is ever raised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from guard.errors import RequestRefused
from serving.http.asgi import Receive, Scope, Send, respond
from serving.preparation import Preparation
from serving.protocol.dialects.table import DIALECTS
from serving.protocol.refused_fields import CHAT, MESSAGES, RESPONSES
from serving.protocol.request import parse
from tests.serving.protocol.test_every_place import ASSISTANT, BLOCKS, BODIES, HI, ITEMS, PARTS, TEXT, TOOLS

JUNK: tuple[Any, ...] = (None, 3, "x", [], {}, [3], [[]], {"type": ["text"]}, {"type": {}}, {"type": "text"})
CHANGE = {
    "type": "tool_addition",
    "tool": {"type": "tool_definition", "definition": {"name": "a", "input_schema": {}}},
}
LOOK = {"type": "function", "name": "look", "parameters": {}}
ALLOWED = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look"}]}
ASKED: dict[str, tuple[dict[str, Any], ...]] = {
    MESSAGES: (
        {
            "system": [TEXT],
            "tools": [{"name": "a", "input_schema": {}, "type": "custom", "description": "x"}],
            "tool_choice": {"type": "tool", "name": "a", "disable_parallel_tool_use": True},
            "thinking": {"type": "disabled"},
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
            "stop_sequences": ["a"],
        },
        *({"messages": [HI, {"role": "system", "content": [block]}]} for block in (TEXT, CHANGE)),
        *({"messages": [{"role": "assistant", "content": [block]}]} for block in ASSISTANT),
        *({"messages": [{"role": "user", "content": [block]}]} for block in BLOCKS),
        *(
            {
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [b]}]}
                ]
            }
            for b in BLOCKS
        ),
    ),
    RESPONSES: (
        {
            "instructions": "x",
            "tools": [*TOOLS, LOOK],
            "tool_choice": {"type": "function", "name": "look"},
            "text": {"format": {"type": "json_schema", "name": "x", "schema": {}}},
            "reasoning": {"effort": "low"},
            "include": ["a"],
            "metadata": {"a": "b"},
            "top_logprobs": 1,
        },
        {"tools": [LOOK], "tool_choice": ALLOWED},
        *({"input": [item, HI]} for item in ITEMS),
        *({"input": [{"role": "user", "content": [part]}]} for part in PARTS),
        *({"input": [{"type": "function_call_output", "call_id": "c", "output": [part]}]} for part in PARTS),
    ),
    CHAT: tuple(
        {"messages": [{"role": role, "content": [part]}]}
        for role in ("user", "tool")
        for part in (
            {"type": "image_url", "image_url": {"url": "x"}},
            {"type": "file", "file": {"file_data": "QWRh", "filename": "x"}},
        )
    ),
}


def altered(value: Any) -> Iterator[Any]:
    """Copies of `value`, each with one of its parts replaced by junk or left out."""
    yield from JUNK
    if isinstance(value, dict):
        for key, member in value.items():
            yield from ({**value, key: other} for other in altered(member))
            yield {name: kept for name, kept in value.items() if name != key}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in altered(item))


async def text_model(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 400, {"error": {}})


@pytest.mark.anyio
@pytest.mark.parametrize("route", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize("enforces", [True, False])
async def test_a_body_of_any_shape_is_read_or_refused(route: str, enforces: bool) -> None:
    preparation, read = Preparation(lambda: enforces), 0
    for body in (other for asked in ASKED[route] for other in altered(asked) if isinstance(other, dict)):
        try:
            request = parse(route, orjson.dumps({**BODIES[route], **body}))
            request = await preparation.prepare(text_model, route, request)
        except RequestRefused:
            continue
        read += 1
        orjson.dumps([request.body, request.conversation(()), request.seeds(())])
        if dialect := DIALECTS.get(route):
            translator = dialect.translator(request.original, "r1")
            orjson.dumps([[event.data for event in translator.end()], translator.body()])
    assert read > 10
