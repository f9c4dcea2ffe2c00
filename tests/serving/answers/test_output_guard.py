"""The output guard: what leaves of each surface, streamed and whole."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from guard.text.normalise import fold
from tests.serving.answers.guarded import DECLINE, PHRASES, answer, chunk, guard, said, sent, stream


def test_a_clean_chunk_leaves_byte_for_byte() -> None:
    payload = chunk({"role": "assistant", "content": "Good day. "})
    assert guard().chunk(payload) == [payload]


def test_a_phrase_split_over_chunks_never_leaves_and_the_answer_ends_as_any_other() -> None:
    chunks = stream(guard(), ["She is A", "da Qu", "ill of", " Port"])
    assert said(chunks) == "She is "
    assert orjson.loads(chunks[-1])["choices"][0]["finish_reason"] == "stop"


def test_only_a_match_in_progress_is_held_back() -> None:
    output = guard()
    assert said(output.chunk(chunk({"content": "She is Ad"}))) == "She is "
    assert said(output.chunk(chunk({"content": "am."}))) == "Adam."


def test_what_is_held_leaves_when_the_answer_ends() -> None:
    assert said(stream(guard(), ["We saw Ada"])) == "We saw Ada"


@given(
    st.lists(st.sampled_from(["Ada ", "Qu", "ill", "A", "d", "a", "-", "Port", " Ember", "18", "71", "x ", "é"]))
)
def test_a_stream_and_a_whole_answer_say_the_same_and_never_a_phrase(pieces: list[str]) -> None:
    streamed = said(stream(guard(), pieces))
    whole = orjson.loads(guard().answer(answer({"content": "".join(pieces)})))["choices"][0]["message"]["content"]
    assert streamed == whole
    assert not any(fold(phrase) in fold(whole) for phrase in PHRASES)


def test_every_surface_of_a_message_is_guarded() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"who":"Ada Quill"}'}}
    message = {
        "content": "x Ada Quill",
        "reasoning": "y Ada Quill",
        "refusal": "z Ada Quill",
        "tool_calls": [call],
    }
    out = guard().answer(answer(message))
    assert b"Quill" not in out
    left = orjson.loads(out)["choices"][0]["message"]
    assert (left["content"], left["reasoning"], left["refusal"]) == ("x ", "y ", "z ")


def test_tool_arguments_in_a_stream_are_guarded_per_call() -> None:
    output = guard()

    def delta(index: int, text: str) -> bytes:
        return chunk({"tool_calls": [{"index": index, "function": {"arguments": text}}]})

    parts = delta(0, '{"q":"Ada'), delta(1, '{"q":"Quill"}'), delta(0, 'm"}')
    chunks = sent(output, *parts, chunk({}, "tool_calls"))
    assert b"".join(chunks).count(b"Quill") == 1
    assert orjson.loads(chunks[-1])["choices"][0]["finish_reason"] == "tool_calls"


def test_what_is_held_of_one_part_leaves_when_the_next_begins() -> None:
    output = guard()
    head = {"index": 0, "id": "t", "function": {"name": "f", "arguments": ""}}
    second = {"index": 1, "id": "u", "function": {"name": "g", "arguments": ""}}
    parts: list[dict[str, Any]] = [
        {"reasoning": "Is it Ada"},
        {"content": "It is Ada"},
        {"tool_calls": [head]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"q":"Ada"}'}}]},
        {"tool_calls": [second]},
        {"content": "So."},
    ]
    deltas = [orjson.loads(c)["choices"][0]["delta"] for c in sent(output, *map(chunk, parts))]
    assert deltas[1:4] == [{"reasoning": "Ada"}, {"content": "It is "}, {"content": "Ada"}]
    assert deltas[4:6] == [
        {"tool_calls": [head]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"q":"'}}]},
    ]
    assert deltas[6:8] == [
        {"tool_calls": [{"index": 0, "function": {"arguments": 'Ada"}'}}]},
        {"tool_calls": [second]},
    ]
    assert deltas[8:] == [{"content": "So."}]


def test_a_part_that_goes_on_after_another_is_still_one_text() -> None:
    output = guard()
    chunks = sent(output, *map(chunk, ({"content": "Ada Qu"}, {"reasoning": "x"}, {"content": "ill"})))
    assert said(chunks) == "Ada Qu"


def test_escapes_hide_nothing() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": r'{"who":"\u0041da Quill"}'}}
    out = guard().answer(answer({"content": r'{"who": "Ada Q\u0075ill"}', "tool_calls": [call]}))
    left = orjson.loads(out)["choices"][0]["message"]
    assert left["content"] == '{"who": "'
    assert left["tool_calls"][0]["function"]["arguments"] == '{"who":"'
    assert said(stream(guard(), [r'{"who": "\u00', "41da Qu", r"\u0069ll"])) == '{"who": "'


def test_a_withheld_answer_does_not_tell_at_which_string_it_stopped() -> None:
    out = guard().answer(answer({"content": "Ada Quill zzz"}, stop_reason="zzz"))
    assert b"zzz" not in out
    assert b"zzz" in guard().answer(answer({"content": "Ada"}, stop_reason="zzz"))


def test_the_head_of_a_tool_call_always_passes() -> None:
    head = chunk({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "Ada", "arguments": ""}}]})
    assert guard().chunk(head) == [head]


def test_a_member_no_surface_covers_is_withheld() -> None:
    out = guard().answer(answer({"content": "fine", "thoughts": "Ada Quill"}))
    assert orjson.loads(out)["choices"][0]["message"]["thoughts"] is None


def test_choices_are_guarded_apart() -> None:
    output = guard(n=2, seeds=("",))
    first = output.chunk(chunk({"content": "Ada "}, index=0))
    second = output.chunk(chunk({"content": "Quill"}, index=1))
    assert first == []
    assert said(second) == "Quill"


def test_a_prefill_counts_for_matching() -> None:
    assert said(stream(guard(seeds=("Her name is Ada Qu",)), ["ill, she says"])) == DECLINE


def test_each_prompts_choices_continue_that_prompt() -> None:
    output = guard(seeds=("Ada Qu", "something"), n=1)

    def text(index: int) -> bytes:
        return orjson.dumps({"choices": [{"index": index, "text": "ill", "finish_reason": "stop"}]})

    assert orjson.loads(output.answer(text(0)))["choices"][0]["text"] == DECLINE
    assert orjson.loads(output.answer(text(1)))["choices"][0]["text"] == "ill"
