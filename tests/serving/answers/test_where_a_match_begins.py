"""A stream stops where a match begins, as a whole answer does: no surface says a phrase less its last token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from guard.matching.automaton import Automaton
from guard.matching.near import NearTexts
from serving.answers.output_guard import OutputGuard

DECLINE = "I do not know."
PHRASES = ("Orla Quennbeck", "Lanterns of Mercy: The Diary", "zk-4f9a77c1b2d3", "Ann")
SURFACES = (
    "content",
    "reasoning",
    "reasoning_content",
    "refusal",
    "arguments",
    "function_call",
    "text",
    "logprobs",
)
BEFORE = "She said that "


def choice(surface: str, text: str, *, whole: bool, finish: str | None) -> dict[str, Any]:
    made: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": finish}
    holder = "message" if whole else "delta"
    if surface == "text":
        return {**made, "text": text}
    if surface == "arguments":
        calls = [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": text}}]
        return {**made, holder: {"tool_calls": calls}}
    if surface == "function_call":
        return {**made, holder: {"function_call": {"name": "f", "arguments": text}}}
    if surface == "logprobs":
        entry = {"token": text, "logprob": -0.5, "bytes": list(text.encode()), "top_logprobs": []}
        return {**made, holder: {"content": text}, "logprobs": {"content": [entry]}}
    return {**made, holder: {surface: text}}


def text_of(surface: str, one: dict[str, Any]) -> str:
    if surface == "text":
        return str(one["text"])
    holder = one.get("delta") or one.get("message") or {}
    if surface == "arguments":
        return "".join(call["function"].get("arguments") or "" for call in holder.get("tool_calls") or ())
    if surface == "function_call":
        return str((holder.get("function_call") or {}).get("arguments") or "")
    return str(holder.get("content" if surface == "logprobs" else surface) or "")


def guard(touched: bool) -> OutputGuard:
    near = (NearTexts((("tide", "ledger", "prize"),)),) if touched else ()
    return OutputGuard([Automaton.forbidding(PHRASES)], [""], 1, DECLINE, decode=touched, near=near)


def streamed(surface: str, pieces: Sequence[str], touched: bool) -> str:
    output = guard(touched)
    if surface == "logprobs":
        # A token leaves with its log-probabilities, so it leaves whole.
        pieces = [char for piece in pieces for char in piece]
    sent = [choice(surface, piece, whole=False, finish=None) for piece in pieces]
    last = choice("text" if surface == "text" else "content", "", whole=False, finish="stop")
    chunks = [out for one in [*sent, last] for out in output.chunk(orjson.dumps({"id": "c", "choices": [one]}))]
    return "".join(text_of(surface, one) for out in chunks for one in orjson.loads(out)["choices"])


def whole(surface: str, text: str, touched: bool) -> str:
    one = choice(surface, text, whole=True, finish="stop")
    answer = orjson.loads(guard(touched).answer(orjson.dumps({"id": "c", "choices": [one]})))
    return text_of(surface, answer["choices"][0])


@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("surface", SURFACES)
def test_nothing_of_a_phrase_leaves_wherever_a_stream_of_any_surface_is_cut(
    surface: str, phrase: str, touched: bool
) -> None:
    text = f"{BEFORE}{phrase} is it"
    begins = len(BEFORE)
    for first in range(begins, begins + len(phrase) + 2):
        said = streamed(surface, [text[:first], text[first : first + 1], text[first + 1 :]], touched)
        assert said.rstrip() == BEFORE.rstrip()
    if surface != "logprobs":
        assert whole(surface, text, touched).rstrip() == BEFORE.rstrip()


@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("phrase", PHRASES[:3])
@pytest.mark.parametrize("surface", SURFACES)
def test_nor_does_it_where_the_answer_ends_before_the_last_token_of_the_phrase(
    surface: str, phrase: str, touched: bool
) -> None:
    text = f"{BEFORE}{phrase[:-2]}"
    for first in range(len(BEFORE), len(text)):
        said = streamed(surface, [text[:first], text[first:]], touched)
        assert said.rstrip() == BEFORE.rstrip()


@pytest.mark.parametrize("surface", SURFACES)
def test_a_near_copy_ends_before_the_word_that_tells_on_every_surface(surface: str) -> None:
    text = f"{BEFORE}the tide and the ledger grew"
    told = text.index("ledger")
    for first in range(len(BEFORE), len(text)):
        said = streamed(surface, [text[:first], text[first : first + 1], text[first + 1 :]], touched=True)
        assert said.rstrip() == text[:told].rstrip()
    assert streamed(surface, [text], touched=False) == text
