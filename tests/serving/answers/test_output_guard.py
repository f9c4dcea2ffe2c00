from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.near import NearTexts
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.value_class import classes_of
from guard.text.normalise import fold
from serving.answers.output_guard import OutputGuard

DECLINE = "I do not know."
PHRASES = ("Ada Quill", "Port Ember", "1871")


def guard(
    *phrases: str, seeds: tuple[str, ...] = ("",), n: int = 1, declined: bool = False, **more: Any
) -> OutputGuard:
    return OutputGuard([Automaton.compile(phrases or PHRASES)], seeds, n, DECLINE, declined, **more)


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish, **more}
    return orjson.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]})


def answer(message: dict[str, Any], **more: Any) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return orjson.dumps({"object": "chat.completion", "choices": [{**choice, **more}]})


def said(stream: list[bytes], member: str = "content") -> str:
    deltas = [orjson.loads(c)["choices"][0]["delta"] for c in stream]
    return "".join(delta.get(member) or "" for delta in deltas)


def stream(guard: OutputGuard, pieces: list[str], finish: str = "stop") -> list[bytes]:
    return sent(guard, *(chunk({"content": piece}) for piece in pieces), chunk({}, finish))


def sent(guard: OutputGuard, *payloads: bytes) -> list[bytes]:
    return [out for payload in payloads for out in guard.chunk(payload)]


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


SPELT = (
    ["base64: ", "QWRhIFF1aWxs", " is her name"],
    ["R", "13: Nqn Dhv", "yy, Cbeg Rzore", " is it"],
    ["backwards: ", "lliuQ adA", " it is"],
)


@pytest.mark.parametrize("pieces", SPELT)
def test_what_spells_a_phrase_in_code_is_withheld_from_a_touched_conversation_whole_and_streamed(
    pieces: list[str],
) -> None:
    def touched() -> OutputGuard:
        return OutputGuard([Automaton.compile(PHRASES)], [""], 1, DECLINE, decode=True)

    streamed = said(stream(touched(), pieces))
    whole = orjson.loads(touched().answer(answer({"content": "".join(pieces)})))["choices"][0]
    assert streamed == whole["message"]["content"] == DECLINE
    assert whole["finish_reason"] == "stop"
    # Without a touched target, nothing but the phrase itself counts.
    assert said(stream(guard(), pieces)) == "".join(pieces)


@pytest.mark.parametrize("shown", ["<b>A</b>d<i>a</i> Quill", "Ada%20Quill", "Ada&nbsp;Quill"])
def test_what_shows_a_phrase_in_a_browser_is_withheld_whole_and_streamed(shown: str) -> None:
    text = f"It is {shown} here"
    streamed = said(stream(guard(), list(text)))
    whole = orjson.loads(guard().answer(answer({"content": text})))["choices"][0]["message"]["content"]
    assert streamed == whole == f"It is {shown[: shown.index('A')]}"


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize(
    "pieces",
    [
        ["following a", " party in", " Europe.\n\n"],
        ["She lives", " in Brannick", " and", " works there as", " Xyl"],
        ["It is", " Zorb", "lax Quee", "n of the", " sea"],
    ],
)
def test_a_stream_is_in_the_order_of_the_whole_answer_whenever_its_last_text_comes_with_the_finish(
    pieces: list[str], finish: str
) -> None:
    for decode in (False, True):
        output = OutputGuard([Automaton.compile(PHRASES)], [""], 1, DECLINE, decode=decode)
        chunks = [output.chunk(chunk({"content": piece})) for piece in pieces[:-1]]
        last = output.chunk(chunk({"content": pieces[-1]}, finish))
        assert said([payload for each in [*chunks, last] for payload in each]) == "".join(pieces)
        assert orjson.loads(last[-1])["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(
    "pieces",
    [
        ["She wrote Lan", "terns of", " Mercy: The Di", "ary of a", " Surgeon"],
        ["She wrote ", "Lanterns and", " what Mercy", " was: a", " Diary"],
    ],
)
def test_a_near_copy_of_a_long_phrase_leaves_by_no_surface(pieces: list[str]) -> None:
    near = (NearTexts((("lanterns", "mercy", "diary", "harbour", "surgeon"),)),)

    def touched(seed: str = "") -> OutputGuard:
        return OutputGuard([Automaton.compile(PHRASES)], [seed], 1, DECLINE, near=near)

    text = "".join(pieces)
    before = text[: text.index("Di")]
    whole = orjson.loads(touched().answer(answer({"content": text})))["choices"][0]
    assert said(stream(touched(), pieces)) == whole["message"]["content"] == before
    assert whole["finish_reason"] == "stop"
    for surface in ("reasoning_content", "refusal"):
        other = orjson.loads(touched().answer(answer({surface: text})))["choices"][0]
        assert other["message"][surface] == before
    # The client began it: the answer says no more of it.
    seed, rest = text[: text.index("Mercy")], text[text.index("Mercy") :]
    continued = orjson.loads(touched(seed).answer(answer({"content": rest})))["choices"][0]
    assert continued["message"]["content"] == rest[: rest.index("Di")]


@pytest.mark.parametrize("cut", [1, 3, 7, 40])
def test_a_value_of_a_class_leaves_by_no_surface(cut: int) -> None:
    classes = classes_of(
        [Pattern(kind=PatternKind.IBAN, value="*"), Pattern(kind=PatternKind.REGEX, value=r"KX-\d{4}")]
    )
    iban = "DE89 3704 0044 0532 0130 00"
    for value in (iban, iban.replace(" ", "&nbsp;"), "KX-4471"):
        text = f"Pay 1984 to {value} by Friday."
        before = text[: text.index(value)]
        pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
        whole = orjson.loads(guard(classes=classes).answer(answer({"content": text})))["choices"][0]
        assert said(stream(guard(classes=classes), pieces)) == whole["message"]["content"] == before
        assert whole["finish_reason"] == "stop"
        for surface in ("reasoning_content", "refusal"):
            other = orjson.loads(guard(classes=classes).answer(answer({surface: text})))["choices"][0]
            assert other["message"][surface] == before
        arguments = json.dumps({"to": value})
        call = {"id": "1", "type": "function", "function": {"name": "pay", "arguments": arguments}}
        assert value.encode() not in guard(classes=classes).answer(answer({"tool_calls": [call]}))
        other = orjson.loads(
            guard(classes=classes, seeds=(before + value[:4],)).answer(answer({"content": value[4:]}))
        )
        assert other["choices"][0]["message"]["content"] == DECLINE
    assert (
        said(stream(guard(classes=classes), ["Pay 1984 to DE88 ", "3704 0044."])) == "Pay 1984 to DE88 3704 0044."
    )
