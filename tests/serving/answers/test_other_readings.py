"""What the output guard withholds beside phrases as they are: codes, markup, near copies, values of classes."""

from __future__ import annotations

import json

import orjson
import pytest

from guard.matching.automaton import Automaton
from guard.matching.near import NearTexts
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.value_class import classes_of
from serving.answers.output_guard import OutputGuard
from tests.serving.answers.guarded import DECLINE, PHRASES, answer, chunk, guard, said, stream

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
