"""JSON in a string is nested no deeper than an engine reads."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from guard.matching.automaton import Automaton
from serving.protocol.allowed_values import allow_values
from serving.protocol.depth import MAX_LEVELS, is_deep
from serving.protocol.fields import InvalidValue
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest, parse

HI = {"role": "user", "content": "Hi"}


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def chat(**members: Any) -> GenerationRequest:
    return parse(CHAT, orjson.dumps({"model": "m", "messages": [HI], **members}))


def called(arguments: str) -> list[dict[str, Any]]:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return [HI, {"role": "assistant", "content": None, "tool_calls": [call]}, HI]


@pytest.mark.parametrize("text", ["[" * 300, "[" * 300 + "]" * 300, '{"a":' * 300, '["]"' + ",[" * 300])
def test_what_is_nested_deeply_is_deep_whether_it_is_json_or_not(text: str) -> None:
    assert is_deep(text)


@pytest.mark.parametrize(
    "text", ["[" * MAX_LEVELS, "[" + "{}," * 5_000 + "{}]", '["' + "[" * 5_000 + '"]', '"' + "[" * 5_000, '"\\']
)
def test_many_brackets_beside_each_other_or_in_strings_are_not(text: str) -> None:
    assert not is_deep(text)


@pytest.mark.parametrize("arguments", [nested(300), "[" * 100_000])
def test_arguments_of_a_tool_call_that_are_nested_too_deeply_are_refused(arguments: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        chat(messages=called(arguments))
    assert refused.value.field == "messages"
    assert chat(messages=called(nested(200))).body["messages"][1]["tool_calls"]


@pytest.mark.parametrize("member", ["json", "structural_tag"])
def test_a_schema_in_a_string_that_is_nested_too_deeply_is_refused(member: str) -> None:
    with pytest.raises(InvalidValue):
        chat(structured_outputs={member: nested(300)})


def test_a_schema_in_a_string_can_be_written_without_its_forbidden_values() -> None:
    request = allow_values(
        chat(structured_outputs={"json": nested(MAX_LEVELS)}), [Automaton.compile(["Ada Quill"])]
    )
    assert orjson.dumps(request.body)
