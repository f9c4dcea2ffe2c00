"""A question hidden in a pattern or grammar counts as asked: the answer itself is read before it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from guard.detection.calibration import Signals
from guard.detection.detector import Match
from guard.errors import PolicyUnavailable
from guard.policy.plan import Plan, PlanKind
from guard.targets.target import Mode
from guard.text.conversation import Message
from serving.answers.spelled import is_spelled
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from serving.protocol.request import GenerationRequest
from tests.serving.data_plane import ASK, DECLINE, FakeEngine, FakePlanner, client, events, plane

HIDDEN = {"structured_outputs": {"regex": "I{1}lsabet Qu[o-o]rne was born in [A-Z][a-z]+"}}
SAID = "Ilsabet Quorne was born in Sallowmere"
TOUCHED = (Match("ft_1", 0.9, Signals(1.0, 0.9), Mode.ENFORCE),)


class Reading(FakePlanner):
    """Plans `pass`, and finds a target in every answer that names it."""

    def __init__(self, known: bool = False, error: Exception | None = None) -> None:
        super().__init__(PlanKind.RESTRICT if known else PlanKind.PASS, matches=TOUCHED if known else ())
        self.known = known
        self.error = error
        self.answers: list[str] = []

    async def plan_answer(self, planned: PlannedRequest, answer: Sequence[Message]) -> PlannedRequest | None:
        self.answers += [message.text for message in answer]
        if self.error is not None:
            raise self.error
        found = any("Ilsabet Quorne" in message.text for message in answer) and not self.known
        return PlannedRequest(Plan(PlanKind.RESTRICT, (), (), 7), ()) if found else None


async def answered(said: str, planner: Reading, **more: Any) -> Any:
    async with client(plane(FakeEngine(said), planner)) as http:
        return await http.post(CHAT, json={**ASK, **HIDDEN, **more})


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_spells_the_question_is_declined(stream: bool) -> None:
    answer = await answered(SAID, Reading(), stream=stream)
    assert "Ilsabet" not in answer.text
    assert "Sallowmere" not in answer.text
    assert answer.status_code == 200
    choices = [event["choices"][0] for event in events(answer.text)] if stream else answer.json()["choices"]
    said = [choice.get("delta", choice.get("message"))["content"] for choice in choices]
    assert ("".join(said), choices[-1]["finish_reason"]) == (DECLINE, "stop")


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_any_other_answer_leaves_as_it_is(stream: bool) -> None:
    answer = await answered("Orla Venn was born in Dunmarrow", Reading(), stream=stream)
    said = (
        "".join(event["choices"][0]["delta"].get("content", "") for event in events(answer.text)).strip()
        if stream
        else answer.json()["choices"][0]["message"]["content"]
    )
    assert said == "Orla Venn was born in Dunmarrow"


@pytest.mark.anyio
async def test_a_target_that_the_request_touched_is_restricted_already() -> None:
    answer = await answered(SAID, Reading(known=True))
    assert answer.json()["choices"][0]["message"]["content"] == SAID


@pytest.mark.anyio
async def test_an_answer_that_cannot_be_read_is_declined() -> None:
    answer = await answered("Good day.", Reading(error=PolicyUnavailable("gone")))
    assert answer.json()["choices"][0]["message"]["content"] == DECLINE


@pytest.mark.anyio
async def test_an_error_of_the_engine_stays_one() -> None:
    planner = Reading()
    async with client(plane(FakeEngine(status=400, error={"message": "bad regex"}), planner)) as http:
        answer = await http.post(CHAT, json={**ASK, **HIDDEN})
    assert (answer.status_code, planner.answers) == (400, [])


@pytest.mark.anyio
async def test_the_whole_answer_is_read_with_what_it_continues_its_escapes_and_its_strings_together() -> None:
    planner = Reading()
    body = {"model": "m", "prompt": "Ils", **HIDDEN}
    async with client(plane(FakeEngine("abet Quorne"), planner)) as http:
        answer = await http.post(COMPLETIONS, json=body)
    assert answer.json()["choices"][0]["text"] == DECLINE
    for said in (r'{"n": "\u0049lsabet Quorne"}', '{"a": "Ils", "b": ["abet ", {"c": "Quorne"}]}'):
        answer = await answered(said, Reading())
        assert answer.json()["choices"][0]["message"]["content"] == DECLINE


@pytest.mark.anyio
@pytest.mark.parametrize("levels", [300, 1_000])
async def test_an_answer_that_is_nested_deeply_is_read(levels: int) -> None:
    said = "[" * levels + '"Ils", "abet Quorne"' + "]" * levels
    answer = await answered(said, Reading())
    assert (answer.status_code, answer.json()["choices"][0]["message"]["content"]) == (200, DECLINE)


@pytest.mark.anyio
@pytest.mark.parametrize("route", [RESPONSES, MESSAGES])
async def test_every_dialect_is_read(route: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^I{1}ls"}}}
    shape = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    body: dict[str, Any] = {"model": "m", "input": "Go on.", "text": shape}
    if route == MESSAGES:
        asked = [{"role": "user", "content": "Go on."}]
        body = {"model": "m", "max_tokens": 9, "messages": asked, "output_config": shape}
    async with client(plane(FakeEngine(SAID), Reading())) as http:
        answer = await http.post(route, json=body)
    assert answer.status_code == 200
    assert DECLINE in answer.text
    assert "Sallowmere" not in answer.text


PATTERN = {"type": "object", "properties": {"a": {"type": "array", "items": {"pattern": "I{1}ls"}}}}


@pytest.mark.parametrize(
    "constraint",
    [
        {"structured_outputs": {"regex": "a"}},
        {"structured_outputs": {"grammar": "root ::= a"}},
        {"structured_outputs": {"structural_tag": "{}"}},
        {"structured_outputs": {"json_object": True, "whitespace_pattern": "a"}},
        {"structured_outputs": {"json": PATTERN}},
        {"structured_outputs": {"json": orjson.dumps(PATTERN).decode()}},
        {"structured_outputs": {"json": r'{"p\u0061ttern": "a"}'}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": PATTERN}}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"patternProperties": {}}}}},
        {"response_format": {"type": "structural_tag", "structures": [], "triggers": []}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": PATTERN, "strict": True}}]},
        {"tools": [{"function": {"name": "f", "parameters": PATTERN}}], "tool_choice": "required"},
        {"tools": [{"function": {"name": "f", "parameters": PATTERN}}], "tool_choice": {"type": "function"}},
    ],
)
def test_patterns_and_grammars_may_spell_anything(constraint: dict[str, Any]) -> None:
    assert is_spelled(GenerationRequest(CHAT, constraint))


@pytest.mark.parametrize(
    "constraint",
    [
        {},
        {"structured_outputs": {"choice": ["pattern", "b"]}},
        {"structured_outputs": {"json_object": True}},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"enum": ["pattern"]}}}},
        {
            "tools": [{"function": {"name": "pattern", "parameters": {"type": "object"}}}],
            "tool_choice": "required",
        },
        {"tools": [{"function": {"name": "f", "parameters": PATTERN}}], "tool_choice": "auto"},
        {"tools": [{"type": "custom"}, {"function": 5}]},
    ],
)
def test_what_can_say_only_its_own_words_streams_as_before(constraint: dict[str, Any]) -> None:
    assert not is_spelled(GenerationRequest(CHAT, constraint))
