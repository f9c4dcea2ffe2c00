from __future__ import annotations

from typing import Any

import orjson
import pytest

from guard.errors import RequestRefused
from serving.protocol.prompts import UnreadablePrompt
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest, MalformedBody, parse, strings


def chat(*messages: Any, **more: Any) -> GenerationRequest:
    return parse(CHAT, orjson.dumps({"model": "m", "messages": list(messages), **more}))


def completion(prompt: Any, **more: Any) -> GenerationRequest:
    return parse(COMPLETIONS, orjson.dumps({"model": "m", "prompt": prompt, **more}))


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"null", b'{"a":"\\ud800"}'])
def test_a_body_that_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        parse(CHAT, raw)


def test_a_disarming_field_is_refused() -> None:
    with pytest.raises(RequestRefused):
        chat(vllm_xargs={"lethe_policy": "0"})


def test_the_conversation_holds_every_turn_with_its_role() -> None:
    request = chat(
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Who is"}, {"type": "text", "text": "Ada Quill?"}],
        },
        {
            "role": "assistant",
            "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": '{"q":"Quill"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Ada Quill sails."},
    )
    messages = request.conversation(())
    assert [m.role for m in messages] == ["system", "user", "assistant", "tool"]
    assert [m.text for m in messages] == [
        "Be brief.",
        "Who is\nAda Quill?",
        'look\n{"q":"Quill"}',
        "Ada Quill sails.",
    ]


def test_tools_and_schemas_are_read_too() -> None:
    request = chat({"role": "user", "content": "hi"}, response_format={"json_schema": {"enum": ["Ada Quill"]}})
    assert "Ada Quill" in request.conversation(())[0].text


def test_a_completion_whose_prompt_nobody_could_read_is_refused() -> None:
    assert completion([[1], [2, 3]]).prompts.rows == ((1,), (2, 3))
    with pytest.raises(UnreadablePrompt):
        completion([1.0, 2.0])


def test_a_completion_continues_its_prompt() -> None:
    request = completion(["a", "b"])
    assert request.seeds(("a", "b")) == ("a", "b")


def test_an_echoed_prompt_is_answer_and_no_seed() -> None:
    assert completion("a", echo=True).seeds(("a",)) == ("",)


def test_only_a_trailing_assistant_turn_is_continued() -> None:
    user, prefill = {"role": "user", "content": "x"}, {"role": "assistant", "content": "Ada Qu"}
    assert chat(user, prefill).seeds(()) == ("Ada Qu",)
    assert chat(prefill, user).seeds(()) == ("",)


@pytest.mark.parametrize("messages", [None, 3, "text", [1, None, "x"], []])
def test_shapes_the_engine_will_refuse_do_not_break_the_reading(messages: Any) -> None:
    request = parse(CHAT, orjson.dumps({"messages": messages}))
    assert isinstance(request.conversation(()), tuple)
    assert request.seeds(()) == ("",)


def test_strings_come_in_document_order_and_from_any_depth() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    assert list(strings({"a": ["x", {"b": "y", "role": "no"}], "c": deep})) == ["x", "y", "end"]


def test_names_of_properties_are_read() -> None:
    schema = {"type": "object", "properties": {"Ada Quill": {"type": "string"}, "who": {"enum": ["Bo"]}}}
    assert sorted(strings({"parameters": schema})) == ["Ada Quill", "Bo", "who"]
    kind = {"type": "object", "properties": {"type": {"description": "Ada Quill"}}}
    assert sorted(strings({"parameters": kind})) == ["Ada Quill", "type"]


def test_n_counts_choices_per_prompt() -> None:
    assert completion("a", n=3).choices_per_prompt == 3
    assert completion("a", n="3").choices_per_prompt == 1


def test_the_detector_reads_what_escapes_stand_for_besides_what_is_written() -> None:
    request = chat({"role": "tool", "tool_call_id": "c", "content": r'{"who":"\u0041da Quill"}'})
    assert request.conversation(())[0].text == '{"who":"\\u0041da Quill"}\n{"who":"Ada Quill"}'
    assert completion(r"\u0041da").conversation((r"\u0041da",))[0].text == "\\u0041da\nAda"
    assert completion(r"\u0041da").seeds((r"\u0041da",)) == (r"\u0041da",)
