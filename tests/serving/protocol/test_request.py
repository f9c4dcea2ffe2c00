from __future__ import annotations

from typing import Any

import orjson
import pytest

from guard.errors import RequestRefused
from serving.protocol.prompts import UnreadablePrompt
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest, MalformedBody, parse


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
    assert [m.role for m in messages] == ["context", "system", "user", "assistant", "tool"]
    assert [m.text for m in messages] == [
        "c1",
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


@pytest.mark.parametrize(
    "more",
    [
        {"name": "x"},
        {"reasoning": "It is her.", "refusal": "no"},
        {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
    ],
)
def test_whatever_stands_after_the_content_of_a_turn_an_answer_continues_its_content(more: Any) -> None:
    for content in ("Ada Qu", [{"text": "Ada Qu", "type": "text", "cache_control": {"type": "ephemeral"}}]):
        assert chat({"role": "assistant", "content": content, **more}).seeds(()) == ("Ada Qu",)


@pytest.mark.parametrize("role", ["user", "system", "tool"])
def test_a_turn_of_any_role_is_continued_if_the_client_says_so(role: str) -> None:
    turn = {"role": role, "content": "Ada Qu"}
    assert chat(turn, continue_final_message=True, add_generation_prompt=False).seeds(()) == ("Ada Qu",)
    assert chat(turn).seeds(()) == ("",)


@pytest.mark.parametrize(
    "turn", [{"reasoning": "Ada Qu"}, {"content": [{"type": "refusal", "refusal": "Ada Qu"}]}]
)
def test_a_turn_that_says_nothing_is_continued_where_it_reasons_or_refuses(turn: Any) -> None:
    assert chat({"role": "assistant", **turn}).seeds(()) == ("Ada Qu",)


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": []}])
def test_a_chat_without_messages_is_left_for_the_engine_to_refuse(body: Any) -> None:
    request = parse(CHAT, orjson.dumps(body))
    assert request.conversation(()) == ()
    assert request.seeds(()) == ("",)


@pytest.mark.parametrize("depth", [200, 254, 600, 1_023, 1_024, 100_000])
def test_nesting_is_read_or_refused_and_never_a_fault(depth: int) -> None:
    raw = b'{"model":"m","messages":[],"tools":[{"x":' + b"[" * depth + b"]" * depth + b"}]}"
    if depth < 250:
        assert orjson.dumps(parse(CHAT, raw).body)
    else:
        with pytest.raises(MalformedBody):
            parse(CHAT, raw)


def test_ids_and_every_field_that_the_model_may_read_are_in_the_conversation() -> None:
    request = chat(
        {"role": "user", "content": "hi"},
        {"role": "tool", "tool_call_id": "of Ada", "content": ""},
        tool_choice={"type": "function", "function": {"name": "Bo"}},
        stop=["Cy"],
        bad_words=["Di"],
        documents=[{"Ed": "x"}],
        structured_outputs={"choice": ["Flo"]},
    )
    document, context = request.conversation(())[:2]
    assert (document.role, document.text) == ("document", "x")
    assert all(name in context.text for name in ("of Ada", "Bo", "Cy", "Di", "Ed", "Flo"))
    assert request.conversation(())[-1].role == "tool"


def test_n_counts_choices_per_prompt() -> None:
    assert completion("a", n=3).choices_per_prompt == 3
    assert completion("a", n="3").choices_per_prompt == 3
    assert completion("a", n=-1).choices_per_prompt == 1
    assert completion("a").choices_per_prompt == 1


def test_the_detector_reads_what_escapes_stand_for_besides_what_is_written() -> None:
    request = chat({"role": "tool", "content": r'{"who":"\u0041da Quill"}'})
    assert request.conversation(())[0].text == '{"who":"\\u0041da Quill"}\n{"who":"Ada Quill"}'
    assert completion(r"\u0041da").conversation((r"\u0041da",))[0].text == "\\u0041da\nAda"
    assert completion(r"\u0041da").seeds((r"\u0041da",)) == (r"\u0041da",)


@pytest.mark.parametrize(
    ("members", "held"),
    [
        ({}, 0),
        ({"stop": None}, 0),
        ({"stop": "."}, 0),
        ({"stop": "###"}, 2),
        ({"stop": ["\n", "User:"]}, 4),
        ({"stop": []}, 0),
        ({"stop": ["User:"], "include_stop_str_in_output": True}, 0),
    ],
)
def test_an_engine_holds_back_what_may_begin_a_stop_string(members: dict[str, Any], held: int) -> None:
    assert GenerationRequest(CHAT, members).held_chars == held
