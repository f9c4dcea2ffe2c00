"""Chat chunks told as Messages events; the SDK's own types judge every shape."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from serving.protocol import errors
from serving.protocol.dialects.messages_answer import MessagesTranslator, failure
from serving.protocol.errors import ContextLengthExceeded, context_length_message, error_response
from tests.serving.protocol.dialects.test_responses_answer import USAGE, call, chunk

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
ASKED = {"model": "m", "max_tokens": 9, "messages": []}


def told(*chunks: dict[str, Any]) -> list[dict[str, Any]]:
    """The data of all events, each valid to the SDK."""
    translator = MessagesTranslator(ASKED, "r1")
    events = [event for one in chunks for event in translator.chunk(one)] + translator.end()
    for event in events:
        assert event.name == event.data["type"]
        EVENT.validate_python(event.data)
    assert translator.end() == []
    return [event.data for event in events]


def body(*chunks: dict[str, Any]) -> Message:
    translator = MessagesTranslator(ASKED, "r1")
    for one in chunks:
        translator.chunk(one)
    translator.end()
    return Message.model_validate(translator.body())


def test_a_text_is_told_from_start_to_stop() -> None:
    events = told(
        {**chunk({"role": "assistant", "content": ""}), "usage": {"prompt_tokens": 5}},
        chunk({"content": "Nobody "}),
        chunk({"content": "sails."}),
        chunk({}, "stop"),
        {"model": "m", "choices": [], "usage": USAGE},
    )
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"]["usage"]["input_tokens"] == 5
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert events[-2]["usage"]["output_tokens"] == 3


def test_blocks_follow_one_another() -> None:
    events = told(
        chunk({"reasoning": "Hm."}),
        chunk({"content": "Let me see."}),
        chunk(call(0, '{"a":', "c1")),
        chunk({"tool_calls": [*call(1, "", "c2")["tool_calls"], *call(0, "1}")["tool_calls"]]}),
        chunk(call(1, "{}")),
        chunk({}, "tool_calls"),
    )
    places = [(e["type"].removeprefix("content_block_"), e["index"]) for e in events if "index" in e]
    assert [place for place in places if place[0] != "delta"] == [
        (word, index) for index in range(4) for word in ("start", "stop")
    ]
    starts = [e["content_block"]["type"] for e in events if e["type"] == "content_block_start"]
    assert starts == ["thinking", "text", "tool_use", "tool_use"]


def test_a_whole_answer_has_the_same_blocks() -> None:
    message = body(chunk({"content": "Nobody."}), chunk(call(0, '{"a":1}', "c1")), chunk({}, "stop"))
    assert [block.type for block in message.content] == ["text", "tool_use"]
    assert message.content[1].model_dump()["input"] == {"a": 1}
    assert message.stop_reason == "tool_use"


def test_a_call_cut_short_is_not_announced() -> None:
    message = body(chunk(call(0, '{"a":', "c1")), chunk({}, "stop"))
    assert (message.content[0].model_dump()["input"], message.stop_reason) == ({}, "end_turn")


def test_arguments_that_are_nested_too_deeply_to_be_written_again_are_none() -> None:
    message = body(chunk(call(0, '{"a":' + "[" * 300 + "]" * 300 + "}", "c1")), chunk({}, "stop"))
    assert (message.content[0].model_dump()["input"], message.stop_reason) == ({}, "end_turn")


@pytest.mark.parametrize(
    ("finish", "stop", "told"),
    [
        ("stop", None, ("end_turn", None)),
        ("stop", "zzz", ("stop_sequence", "zzz")),
        ("stop", 7, ("end_turn", None)),
        ("length", None, ("max_tokens", None)),
        ("content_filter", None, ("refusal", None)),
    ],
)
def test_reasons_to_stop(finish: str, stop: object, told: tuple[str, str | None]) -> None:
    message = body(chunk({"content": "No"}), chunk({}, finish, stop_reason=stop))
    assert (message.stop_reason, message.stop_sequence) == told


def test_cached_tokens_are_counted_apart() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}
    message = body({**chunk({"content": "No"}, "stop"), "usage": usage})
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (5, 4)


def test_a_broken_answer_ends_with_an_error_event() -> None:
    translator = MessagesTranslator(ASKED, "r1")
    translator.chunk(chunk({"content": "Nob"}))
    events = translator.fail(errors.error_response(503, "engine_error", "The engine failed to answer."))
    assert [event.name for event in events] == ["error"]
    assert events[0].data["error"] == {"type": "api_error", "message": "The engine failed to answer."}
    assert translator.end() == []


@pytest.mark.parametrize(
    ("lengths", "said"),
    [((8, 9), "prompt is too long: 9 tokens > 8 maximum"), ((None, None), "prompt is too long")],
)
def test_a_prompt_beyond_the_context_is_told_in_the_words_that_clients_look_for(
    lengths: tuple[int | None, int | None], said: str
) -> None:
    given = error_response(400, ContextLengthExceeded.code, context_length_message(*lengths))
    assert failure(given, "r").body["error"] == {"type": "invalid_request_error", "message": said}
