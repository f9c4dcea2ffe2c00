"""An answer that says a target that its question did not touch goes on under that target's plan."""

from __future__ import annotations

from typing import Any

import pytest

from guard.policy.plan import PlanKind
from guard.targets.target import Draft, Method, Mode
from serving.protocol.refused_fields import COMPLETIONS
from tests.serving.watch.conftest import CLEAN, DECLINE, NAME, PERSON, REST, ROUTES, UNASKED, Ask, CountingEngine


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("at_once", [1, 3, 7, 16, 64])
async def test_a_stream_goes_on_from_the_last_released_word(asked: Ask, route: str, at_once: int) -> None:
    engine = CountingEngine(UNASKED, REST, at_once=at_once)
    answer = await asked(engine, PERSON, route=route, stream=True)
    assert answer.texts == [CLEAN]
    assert [chunk["choices"][0]["finish_reason"] for chunk in answer.chunks][-1] == "stop"
    assert sum(chunk["choices"][0]["finish_reason"] is not None for chunk in answer.chunks) == 1
    assert {chunk["id"] for chunk in answer.chunks} == {"x"}
    path, body = engine.asked[1]
    assert path == COMPLETIONS
    assert body["prompt"] == [4, 5, 8, 3, 5]  # "Who?", and the words released
    assert body["vllm_xargs"]["lethe_automata"]
    assert not engine.asked[0][1]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
async def test_the_engine_is_cut_where_the_name_is_said(asked: Ask) -> None:
    engine = CountingEngine(UNASKED + "x" * 500, REST)
    await asked(engine, PERSON, stream=True)
    assert engine.sent < len(UNASKED) + len(REST) + 2


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("n", [1, 3])
async def test_a_whole_answer_is_made_again_under_the_targets_restriction(asked: Ask, route: str, n: int) -> None:
    engine = CountingEngine(UNASKED, CLEAN)
    answer = await asked(engine, PERSON, route=route, n=n)
    assert answer.texts == [CLEAN] * n or n == 1
    assert NAME not in answer.response.text
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]
    assert engine.asked[1][1]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", ["Try THE LANTERN OF HOLLOW TARN, she says.", "By Quarnwick, Orla: a book."])
async def test_titles_and_variants_of_the_name_do_not_leave_either(asked: Ask, text: str, stream: bool) -> None:
    answer = await asked(CountingEngine(text, "Try another."), PERSON, stream=stream)
    assert "antern" not in answer.response.text
    assert "Orla" not in answer.response.text
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_says_nothing_of_any_target_passes_as_it_is(asked: Ask, stream: bool) -> None:
    engine = CountingEngine("Three keepers: Ada Moss and Orla Venn.")
    answer = await asked(engine, PERSON, stream=stream)
    assert answer.texts == ["Three keepers: Ada Moss and Orla Venn."]
    assert (len(engine.asked), answer.recorded) == (1, [])


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_the_model_left_empty_stays_empty(asked: Ask, route: str, stream: bool) -> None:
    answer = await asked(CountingEngine(""), PERSON, route=route, stream=stream)
    assert answer.texts == [""]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_a_grammar_left_empty_is_declined(asked: Ask, stream: bool) -> None:
    answer = await asked(CountingEngine(""), PERSON, stream=stream, response_format={"type": "json_object"})
    assert answer.texts == [DECLINE]


@pytest.mark.anyio
async def test_a_whole_answer_about_a_declined_target_is_declined(asked: Ask) -> None:
    answer = await asked(CountingEngine(UNASKED), Draft(name=NAME, methods=(Method.DECLINE,)))
    assert answer.texts == [DECLINE]
    assert answer.recorded == [(PlanKind.DECLINE, [Mode.ENFORCE])]


@pytest.mark.anyio
@pytest.mark.parametrize(("said", "left"), [(UNASKED, "Three keepers: Ada Moss, "), (f"{NAME} did.", DECLINE)])
@pytest.mark.parametrize("at_once", [1, 9, 64])
async def test_a_stream_about_a_declined_target_ends_before_the_name(
    asked: Ask, said: str, left: str, at_once: int
) -> None:
    draft = Draft(name=NAME, methods=(Method.DECLINE,))
    answer = await asked(CountingEngine(said, at_once=at_once), draft, stream=True)
    assert answer.texts == [left]
    assert sum(chunk["choices"][0]["finish_reason"] is not None for chunk in answer.chunks) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("members", [{"n": 2}, {"tools": [{"type": "function", "function": {"name": "f"}}]}])
async def test_a_stream_of_more_than_one_plain_text_ends_before_the_name(asked: Ask, members: Any) -> None:
    answer = await asked(CountingEngine(UNASKED), PERSON, stream=True, **members)
    assert answer.texts == ["Three keepers: Ada Moss, "]
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]


@pytest.mark.anyio
async def test_log_probabilities_of_what_was_dropped_are_never_sent(asked: Ask) -> None:
    class WithLogprobs(CountingEngine):
        def choice(self, path: str, text: str, finish: str | None, holder: str) -> dict[str, Any]:
            tops = [{"token": "Quarnwick", "logprob": -1.0, "bytes": None}]
            described = {"content": [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": tops}]}
            return {
                **super().choice(path, text, finish, holder),
                "logprobs": described if "Orla" in text else None,
            }

    answer = await asked(WithLogprobs(UNASKED, CLEAN), PERSON, logprobs=True)
    assert "Quarnwick" not in answer.response.text


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_goes_on_to_other_targets_ends_at_last(asked: Ask, stream: bool) -> None:
    names = [
        "Orla Quarnwick",
        "Ilse Marwickle",
        "Pell Drosswell",
        "Tova Brenhild",
        "Ruan Keswicke",
        "Mira Oldfel",
    ]
    engine = CountingEngine(*(f"So {name}." for name in names))
    answer = await asked(engine, *(Draft(name=name) for name in names), stream=stream)
    assert not any(name in answer.response.text for name in names)
    assert "finish_reason" in answer.response.text
    assert len(engine.asked) <= 6
