"""Where the question left a target in doubt, sentences are read for their meaning before they leave."""

from __future__ import annotations

import pytest

from guard.policy.plan import PlanKind
from guard.targets.target import Draft, Method, Mode
from tests.serving.watch.conftest import CLEAN, DECLINE, NAME, PERSON, ROUTES, Ask, CountingEngine, DoubtingPlanner

KEPT, TELLING = "Three kept it. ", "She lit the lamp in June. "
IN_DOUBT = KEPT + TELLING + "Nobody saw her."


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("at_once", [1, 5, 17, 90])
async def test_a_stream_goes_on_from_before_the_sentence_that_tells_by_its_meaning(
    asked: Ask, route: str, at_once: int
) -> None:
    engine = CountingEngine(IN_DOUBT, "Nobody knows more.", at_once=at_once)
    answer = await asked(engine, PERSON, route=route, stream=True, planner=DoubtingPlanner)
    (text,) = answer.texts
    assert "lamp" not in text
    assert text.endswith("Nobody knows more.")
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]
    assert engine.asked[1][1]["vllm_xargs"]["lethe_automata"]
    assert sum(chunk["choices"][0]["finish_reason"] is not None for chunk in answer.chunks) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("text", [IN_DOUBT, "She lit the lamp", "A lamp."])
async def test_a_whole_answer_with_a_sentence_that_tells_is_made_again(asked: Ask, route: str, text: str) -> None:
    engine = CountingEngine(text, CLEAN)
    answer = await asked(engine, PERSON, route=route, planner=DoubtingPlanner)
    assert answer.texts == [CLEAN]
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", ["Three kept it. Nobody saw them. One", "Yes.", ""])
async def test_an_answer_in_doubt_that_tells_nothing_is_as_it_was(asked: Ask, stream: bool, said: str) -> None:
    answer = await asked(CountingEngine(said, at_once=4), PERSON, stream=stream, planner=DoubtingPlanner)
    assert (answer.texts if said else [""]) == [said]
    assert answer.recorded == []


@pytest.mark.anyio
@pytest.mark.parametrize(("said", "left"), [(IN_DOUBT, KEPT), (TELLING, DECLINE)])
async def test_a_stream_of_a_declined_target_ends_before_the_sentence(asked: Ask, said: str, left: str) -> None:
    draft = Draft(name=NAME, methods=(Method.DECLINE,))
    answer = await asked(CountingEngine(said), draft, stream=True, planner=DoubtingPlanner)
    assert [text.strip() for text in answer.texts] == [left.strip()]


@pytest.mark.anyio
async def test_a_stream_of_several_choices_that_tells_is_declined(asked: Ask) -> None:
    answer = await asked(CountingEngine(IN_DOUBT), PERSON, stream=True, n=2, planner=DoubtingPlanner)
    assert "lamp" not in answer.response.text
    assert answer.texts == [DECLINE]
