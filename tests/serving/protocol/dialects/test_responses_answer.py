"""Chat chunks told as Responses events; the SDK's own types judge every shape."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from serving.protocol import errors
from serving.protocol.dialects.content_delta import as_chunk
from serving.protocol.dialects.responses_answer import ResponsesTranslator

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
ASKED = {"model": "m", "input": "Who sails?", "temperature": 0.0, "metadata": {"k": "v"}}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}


def call(index: int, text: str, id: str | None = None) -> dict[str, Any]:
    function = {"arguments": text} | ({"name": "look"} if id else {})
    return {"tool_calls": [{"index": index, "function": function} | ({"id": id} if id else {})]}


def told(*chunks: dict[str, Any]) -> list[dict[str, Any]]:
    """The data of all events, each valid to the SDK, numbered without a gap."""
    translator = ResponsesTranslator(ASKED, "r1")
    events = [event for one in chunks for event in translator.chunk(one)] + translator.end()
    for number, event in enumerate(events):
        assert event.name == event.data["type"]
        assert event.data["sequence_number"] == number
        EVENT.validate_python(event.data, strict=False)
    assert translator.end() == []
    return [event.data for event in events]


def test_a_text_is_told_from_created_to_completed() -> None:
    events = told(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Nobody "}),
        chunk({"content": "sails."}),
        chunk({}, "stop"),
        {"model": "m", "choices": [], "usage": USAGE},
    )
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    response = Response.model_validate(events[-1]["response"])
    assert (response.status, response.output_text, response.id) == ("completed", "Nobody sails.", "resp_r1")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (5, 3)
    assert (response.metadata, response.temperature) == ({"k": "v"}, 0.0)
    assert events[-1]["response"]["store"] is False


def test_reasoning_text_refusal_and_calls_are_items_of_their_own() -> None:
    events = told(
        chunk({"reasoning": "Hm."}),
        chunk({"content": "Let me see."}),
        chunk(call(0, '{"a":', "c1")),
        chunk(call(0, "1}")),
        chunk(call(1, "{}", "c2")),
        chunk({"refusal": "No."}, "tool_calls"),
    )
    output = Response.model_validate(events[-1]["response"]).output
    assert [item.type for item in output] == ["reasoning", "message", "function_call", "function_call", "message"]
    assert [(item.call_id, item.arguments) for item in output if item.type == "function_call"] == [
        ("c1", '{"a":1}'),
        ("c2", "{}"),
    ]
    assert {item.status for item in output} == {"completed"}
    deltas = [event["type"] for event in events if event["type"].endswith("delta")]
    assert deltas == [
        "response.reasoning_text.delta",
        "response.output_text.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.refusal.delta",
    ]


def test_the_rest_of_an_item_comes_before_the_next_item() -> None:
    both = {"tool_calls": [*call(1, "", "c2")["tool_calls"], *call(0, "1}")["tool_calls"]]}
    events = told(chunk(call(0, '{"a":', "c1")), chunk(both), chunk(call(1, "{}")), chunk({}, "tool_calls"))
    output = Response.model_validate(events[-1]["response"]).output
    assert [item.arguments for item in output if item.type == "function_call"] == ['{"a":1}', "{}"]


def test_an_answer_cut_for_length_is_incomplete() -> None:
    response = told(chunk({"content": "Nob"}), chunk({}, "length"))[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert response["output"][0]["status"] == "incomplete"


def test_log_probabilities_go_with_their_text() -> None:
    entry = {"token": "No", "logprob": -0.5, "bytes": [78, 111], "top_logprobs": []}
    events = told(chunk({"content": "No"}, logprobs={"content": [entry]}), chunk({}, "stop"))
    assert [event["logprobs"] for event in events if event["type"] == "response.output_text.delta"] == [[entry]]
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == [entry]


def test_a_whole_answer_is_the_stream_of_one_chunk() -> None:
    message = {"role": "assistant", "content": "Nobody.", "tool_calls": call(0, "{}", "c1")["tool_calls"]}
    answer = {"model": "m", "usage": USAGE, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    translator = ResponsesTranslator(ASKED, "r1")
    translator.chunk(as_chunk(answer))
    translator.end()
    response = Response.model_validate(translator.body())
    assert [item.type for item in response.output] == ["message", "function_call"]
    assert response.usage is not None
    assert response.usage.total_tokens == 8


def test_a_broken_answer_ends_as_failed() -> None:
    translator = ResponsesTranslator(ASKED, "r1")
    translator.chunk(chunk({"content": "Nob"}))
    events = translator.fail(errors.error_response(503, "engine_error", "The engine failed to answer."))
    assert [event.name for event in events][-2:] == ["error", "response.failed"]
    for event in events:
        EVENT.validate_python(event.data)
    assert translator.end() == []


def named(name: str, *texts: str) -> list[dict[str, Any]]:
    first = {"index": 0, "id": "c1", "function": {"name": name, "arguments": texts[0]}}
    rest = [{"index": 0, "function": {"arguments": text}} for text in texts[1:]]
    return [chunk({"tool_calls": [call]}) for call in (first, *rest)]


def test_a_custom_tool_is_called_with_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ASKED, "tools", [{"type": "custom", "name": "apply_patch"}, {"type": "web_search"}])
    events = told(*named("apply_patch", '{"input": "*** Be', 'gin\\n\\u0041da"}'), chunk({}, "tool_calls"))
    kinds = [event["type"].removeprefix("response.") for event in events[2:]]
    assert kinds == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]
    text = "*** Begin\nAda"
    assert (events[3]["delta"], events[4]["input"]) == (text, text)
    item = events[-1]["response"]["output"][0]
    assert (item["type"], item["name"], item["call_id"], item["input"]) == (
        "custom_tool_call",
        "apply_patch",
        "c1",
        text,
    )
    assert item["id"] == events[3]["item_id"]
    # What is not offered is not listed.
    assert [tool["type"] for tool in events[-1]["response"]["tools"]] == ["custom"]


def test_a_function_of_a_namespace_is_called_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    look = {"type": "function", "name": "look", "parameters": {}}
    monkeypatch.setitem(
        ASKED, "tools", [{"type": "namespace", "name": "crew", "description": "", "tools": [look]}]
    )
    events = told(*named("crew__look", "{}"), chunk({}, "tool_calls"))
    item = events[-1]["response"]["output"][0]
    assert (item["type"], item["namespace"], item["name"]) == ("function_call", "crew", "look")
    assert next(e for e in events if e["type"] == "response.function_call_arguments.done")["name"] == "look"


def test_a_cut_call_of_a_custom_tool_tells_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ASKED, "tools", [{"type": "custom", "name": "apply_patch"}])
    events = told(*named("apply_patch", '{"input": "*** Be'), chunk({}, "length"))
    item = events[-1]["response"]["output"][0]
    assert (item["status"], item["input"]) == ("incomplete", '{"input": "*** Be')
