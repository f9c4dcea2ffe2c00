from __future__ import annotations

from typing import Any

import orjson
import pytest

from guard.matching.automaton import Automaton
from serving.protocol.allowed_values import allow_values
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

AUTOMATA = (Automaton.compile(["Sallowmere"]), Automaton.compile(["Ada Quill"]))
MIXED = ["Paris", "Sallow-mere", "x ADA quill y", "Rome", r"S\u0061llowmere", 5, None]
KEPT = ["Paris", "Rome", 5, None]


def allowed(**body: Any) -> dict[str, Any]:
    return allow_values(GenerationRequest(CHAT, {"model": "m", **body}), AUTOMATA).body


def schema(values: list[Any]) -> dict[str, Any]:
    """One with a list of values in each of its places."""
    branches = [{"const": value} for value in values]
    return {
        "type": "object",
        "properties": {
            "enum": {"type": "string", "enum": values},
            "deep": {"type": "array", "items": {"anyOf": branches}},
        },
        "$defs": {"place": {"oneOf": [{"enum": ["Sallowmere"]}, *branches] if values == MIXED else branches}},
    }


def test_forbidden_values_are_left_out_of_every_list() -> None:
    function = {"type": "function", "function": {"name": "f", "parameters": schema(MIXED)}}
    body = allowed(
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema(MIXED)}},
        structured_outputs={"json": schema(MIXED)},
        tools=[function],
    )
    assert body["response_format"]["json_schema"]["schema"] == schema(KEPT)
    assert body["structured_outputs"]["json"] == schema(KEPT)
    assert body["tools"][0]["function"]["parameters"] == schema(KEPT)
    assert allowed(structured_outputs={"choice": ["Sallowmere", "Rome"]})["structured_outputs"] == {
        "choice": ["Rome"]
    }
    written = allowed(structured_outputs={"json": orjson.dumps(schema(MIXED)).decode()})
    assert written["structured_outputs"]["json"] == schema(KEPT)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"structured_outputs": {"choice": ["Sallowmere"]}},
        {"structured_outputs": {"json": {"enum": ["Sallowmere", "Ada Quill"]}}},
        {"structured_outputs": {"json": "no JSON"}},
        {"structured_outputs": {"json": "5"}},
        {"structured_outputs": {"regex": "Sallowmere|Rome"}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"properties": {"enum": {"x": 1}}}},
            }
        },
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"enum": 5, "anyOf": "x"}}}},
        {"tools": [{"function": {"parameters": {"anyOf": [{"const": "Sallowmere"}]}}}]},
    ],
)
def test_what_lists_nothing_else_stays_as_it_is(body: dict[str, Any]) -> None:
    assert allowed(**body) == {"model": "m", **body}


def test_a_request_that_touches_nothing_is_left_alone() -> None:
    request = GenerationRequest(CHAT, {"structured_outputs": {"choice": ["Sallowmere", "Rome"]}})
    assert allow_values(request, ()) is request
