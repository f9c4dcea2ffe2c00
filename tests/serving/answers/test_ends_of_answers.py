"""How guarded answers end: declined, given up, at a limit, and within a phrase."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from serving.answers.output_guard import OutputGuard
from tests.serving.answers.guarded import DECLINE, PHRASES, answer, chunk, guard, said, sent, stream


def test_a_declined_answer_says_the_fixed_text_in_every_choice() -> None:
    output = guard(declined=True)
    assert said(stream(output, ["anything"])) == DECLINE
    whole = orjson.loads(guard(declined=True).answer(answer({"content": "anything"})))["choices"][0]
    assert (whole["message"]["content"], whole["finish_reason"], whole["logprobs"]) == (DECLINE, "stop", None)


def test_an_empty_answer_is_declined() -> None:
    assert said(stream(guard(), [], "stop")) == DECLINE


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_an_answer_that_no_restriction_left_empty_stays_empty(finish: str) -> None:
    output = guard(may_be_empty=True)
    assert said(stream(output, [], finish)) == ""
    assert not output.withheld
    whole = answer({"content": ""}, finish_reason=finish)
    assert guard(may_be_empty=True).answer(whole) == whole


def test_what_is_withheld_is_declined_though_the_answer_may_be_empty() -> None:
    assert said(stream(guard(may_be_empty=True), ["Ada Quill"])) == DECLINE


def test_log_probabilities_wait_for_the_text_they_describe() -> None:
    output = guard(alternatives=0)
    payloads = [chunk({"content": t}, logprobs={"content": [{"token": t}]}) for t in ("Ad", "am", " Lark", " x")]
    assert output.chunk(payloads[0]) == []
    assert output.chunk(payloads[1]) == payloads[:2]
    assert sent(output, *payloads[2:]) == payloads[2:]


def test_log_probabilities_of_withheld_text_never_leave() -> None:
    output = guard(alternatives=2)

    def described(*tokens: str, finish: str | None = None) -> bytes:
        top = {"top_logprobs": [{"token": "Ada Quill"}], "logprob": -1.0}
        return chunk(
            {"content": "".join(tokens)}, finish, logprobs={"content": [{"token": t, **top} for t in tokens]}
        )

    chunks = sent(output, described("She", " is", " Ada"), described(" Quill"), described(" now"))
    chunks += output.chunk(
        chunk({"content": ""}, "stop", logprobs={"content": [{"token": "<end>", "logprob": -1.0}]})
    )
    assert said(chunks) == "She is"
    tokens = [entry for c in chunks for entry in orjson.loads(c)["choices"][0]["logprobs"]["content"]]
    assert [entry["token"] for entry in tokens] == ["She", " is", "<end>"]
    assert tokens[-1]["logprob"] == 0.0


def test_a_declined_stream_tells_no_token_that_the_model_said() -> None:
    output = guard(alternatives=0, declined=True)
    payloads = [chunk({"content": t}, logprobs={"content": [{"token": "x"}]}) for t in ("", "Good", "")]
    assert sent(output, *payloads) == []
    end = sent(output, chunk({"content": ""}, "stop", logprobs={"content": [{"token": "<end>"}]}))
    assert said(end) == DECLINE
    assert b'"x"' not in b"".join(end)


def test_the_log_probabilities_of_a_whole_answer_end_where_its_text_does() -> None:
    def described(tokens: list[str], text: str) -> Any:
        logprobs = {"content": [{"token": token} for token in tokens]}
        out = guard(alternatives=0).answer(answer({"content": text}, logprobs=logprobs))
        choice = orjson.loads(out)["choices"][0]
        return choice["message"]["content"], [entry["token"] for entry in choice["logprobs"]["content"]]

    assert described(["It", " is", " Ada", " Quill", "<end>"], "It is Ada Quill") == ("It is", ["It", " is"])
    assert described(["Ada", " Quill"], "Ada Quill") == (DECLINE, [DECLINE])
    assert described(["other", "tokens"], "It is Ada Quill") == ("It is ", ["It is "])
    assert described(["It", " is"], "It is") == ("It is", ["It", " is"])


def test_a_usage_chunk_passes() -> None:
    payload = orjson.dumps({"choices": [], "usage": {"total_tokens": 3}})
    assert guard().chunk(payload) == [payload]


def test_a_chunk_with_usage_is_not_sent_for_its_usage_alone() -> None:
    output = guard()

    def counted(text: str) -> bytes:
        return orjson.dumps({**orjson.loads(chunk({"content": text})), "usage": {"total_tokens": 3}})

    assert sent(output, counted("x"), counted("Ada")) == [counted("x")]
    assert said(output.chunk(counted("m"))) == "Adam"


def test_a_stream_the_engine_gave_up_ends_every_open_choice_as_an_answer_ends() -> None:
    blank = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    output = OutputGuard([Automaton.compile(PHRASES)], ("",), 2, DECLINE, blank=blank)
    assert said(output.chunk(chunk({"content": "We saw Ada"}, index=0))) == "We saw "
    closing = [orjson.loads(payload) for payload in output.close()]
    assert {chunk["id"] for chunk in closing} == {"c"}
    choices = [chunk["choices"][0] for chunk in closing]
    # The grammar forced what is held back, so it began a phrase.
    texts = ["".join(c["delta"].get("content", "") for c in choices if c["index"] == index) for index in (0, 1)]
    assert texts == ["", DECLINE]
    assert [(c["index"], c["finish_reason"]) for c in choices if c["finish_reason"]] == [(0, "stop"), (1, "stop")]


def test_a_completion_given_up_before_its_first_chunk_is_declined() -> None:
    blank = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    output = OutputGuard([Automaton.compile(PHRASES)], ("",), 1, DECLINE, blank=blank)
    assert "".join(orjson.loads(payload)["choices"][0]["text"] for payload in output.close()) == DECLINE


def test_a_decline_text_is_said_in_chunks_of_words_and_within_the_clients_limit() -> None:
    texts = [orjson.loads(c)["choices"][0] for c in stream(guard(declined=True), ["anything"])]
    assert [c["delta"].get("content") for c in texts] == ["I", " do", " not", " know.", None]
    for limit, said_at_limit, finish in ((2, "I do", "length"), (4, DECLINE, "length"), (5, DECLINE, "stop")):
        cut = stream(guard(declined=True, max_tokens=limit), ["anything"])
        assert said(cut) == said_at_limit
        last = orjson.loads(cut[-1])["choices"][0]
        assert (last["finish_reason"], bool(last["delta"].get("content"))) == (finish, finish == "length")
        whole = orjson.loads(guard(declined=True, max_tokens=limit).answer(answer({"content": "x"})))["choices"][0]
        assert (whole["message"]["content"], whole["finish_reason"]) == (said_at_limit, finish)


@pytest.mark.parametrize(
    ("held", "texts"),
    [
        (0, [" not", " know.", None]),
        (2, [" not", " kno", "w."]),
        (6, [" not", " know."]),
        (99, [" not", " know."]),
    ],
)
def test_a_decline_text_ends_with_what_an_engine_holds_back_for_stop_strings(
    held: int, texts: list[str | None]
) -> None:
    chunks = stream(guard(declined=True, held_chars=held), ["anything"])
    choices = [orjson.loads(payload)["choices"][0] for payload in chunks]
    assert [choice["delta"].get("content") for choice in choices][2:] == texts
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]


def test_its_words_are_described_where_they_would_have_been_sampled() -> None:
    body = chunk({}, "stop", logprobs={"content": [{"token": "<end>", "logprob": 0.0, "bytes": None}]})
    chunks = sent(guard(declined=True, alternatives=0, held_chars=99), body)
    choices = [orjson.loads(payload)["choices"][0] for payload in chunks]
    tokens = [[entry["token"] for entry in choice["logprobs"]["content"]] for choice in choices]
    assert tokens == [["I"], [" do"], [" not"], [" know."], ["<end>"]]
    assert [choice["delta"]["content"] for choice in choices] == ["I", " do", " not", "", " know."]


def test_an_answer_at_its_limit_has_its_last_word_in_its_last_chunk() -> None:
    chunks = sent(guard(), chunk({"content": "We saw"}), chunk({"content": " a great Ad"}, "length"))
    assert [orjson.loads(c)["choices"][0]["delta"]["content"] for c in chunks] == ["We saw", " a great Ad"]


@given(
    st.sampled_from(["content", "reasoning", "refusal", "arguments"]),
    st.sampled_from(["Ada Quil", "Port Embe", "187"]),
    st.sampled_from(["", "x ", '{"who":"']),
    st.sampled_from(["stop", "length", "tool_calls"]),
    st.integers(0, 8),
)
def test_no_surface_gives_out_a_phrase_less_its_end(
    member: str, part: str, before: str, finish: str, cut: int
) -> None:
    def delta(text: str) -> dict[str, Any]:
        if member != "arguments":
            return {member: text}
        return {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}

    output = guard()
    pieces = [before + part[:cut], part[cut:]]
    chunks = sent(output, *(chunk(delta(piece)) for piece in pieces), chunk({}, finish))
    whole = json.loads(guard().answer(answer(delta(before + part), finish_reason=finish)))
    spoken = orjson.dumps(whole["choices"][0]["message"])
    for payload in (b"".join(chunks), spoken):
        assert part[:3].encode() not in payload
    assert json.loads(chunks[-1])["choices"][0]["finish_reason"] == "stop"


def test_a_prefill_and_each_choice_are_cut_where_a_phrase_is_left_unfinished() -> None:
    assert said(stream(guard(seeds=("She is Ada",)), [" Qui", "l"])) == DECLINE
    output = guard(n=2)
    output.chunk(chunk({"content": "Ada Qui"}, index=0))
    assert said(output.chunk(chunk({"content": "x Ada L"}, index=1))) == "x Ada L"
    assert said(output.chunk(chunk({}, "length", index=0))) == DECLINE


@pytest.mark.parametrize(
    ("text", "finish", "more", "released"),
    [
        ("Christopher", "stop", {"stop_reason": None}, True),
        ("Christopher", "length", {"stop_reason": None}, False),
        ("Christopher", "stop", {"stop_reason": " Le"}, False),
        ("Christopher", "stop", {}, False),
        ("Christopher Le", "stop", {"stop_reason": None}, False),
    ],
)
def test_who_could_have_said_the_name_and_ended_after_a_part_of_it_has_not_begun_it(
    text: str, finish: str, more: dict[str, Any], *, released: bool
) -> None:
    watched = guard("Christopher Lee", watched=1)
    streamed = [*watched.chunk(chunk({"content": text})), *watched.chunk(chunk({}, finish, **more))]
    assert said(streamed) == (text if released else DECLINE)
    whole = answer({"content": text}, finish_reason=finish, **more)
    for output, left in ((guard("Christopher Lee", watched=1), released), (guard("Christopher Lee"), False)):
        message = orjson.loads(output.answer(whole))["choices"][0]["message"]
        assert message["content"] == (text if left else DECLINE)


def test_what_was_held_and_withheld_is_known() -> None:
    clean, cut = guard(), guard()
    stream(clean, ["We saw Ada ", "Lark."])
    stream(cut, ["We saw Ada Qu", "ill."])
    declined = guard(declined=True)
    stream(declined, ["anything"])
    assert (clean.withheld, clean.max_held) == (False, 4)
    assert (cut.withheld, cut.max_held) == (True, 6)
    assert (declined.withheld, declined.max_held) == (False, 0)
