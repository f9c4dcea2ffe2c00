"""What the watch lets leave: shadow targets, exceptions, what settings say; whatever the chunks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.patterns.pattern import Pattern, PatternKind
from guard.policy.plan import PlanKind
from guard.policy.policy import Policy
from guard.policy.watch import WatchAction
from guard.targets import target as targets
from guard.targets.target import Draft, Kind, Mode
from tests.serving.watch.conftest import (
    CLEAN,
    DECLINE,
    NAME,
    PERSON,
    REST,
    UNASKED,
    Ask,
    CountingEngine,
    ask_under,
)


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_the_answer_of_a_shadow_target_leaves_and_is_recorded(asked: Ask, stream: bool) -> None:
    engine = CountingEngine(UNASKED, at_once=5)
    answer = await asked(engine, Draft(name=NAME, mode=Mode.SHADOW), stream=stream)
    assert answer.texts == [UNASKED]
    assert answer.recorded == [(PlanKind.PASS, [Mode.SHADOW])]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("scope", targets.Scope)
@pytest.mark.parametrize(
    ("iban", "action", "count"),
    [
        ("GB29 NWBK 6016 1331 9268 19", WatchAction.ANSWER, 1),
        ("GB29 NWBK 6016 1331 9268 19", WatchAction.OFF, 0),
        ("GB28 NWBK 6016 1331 9268 19", WatchAction.ANSWER, 0),
    ],
)
async def test_a_value_of_a_class_in_shadow_leaves_and_is_recorded(
    asked: Ask, stream: bool, scope: targets.Scope, iban: str, action: WatchAction, count: int
) -> None:
    said, patterns = f"Pay to {iban} by Friday.", (Pattern(kind=PatternKind.IBAN, value="*"),)
    draft = Draft(name="bank accounts", kind=Kind.TOPIC, mode=Mode.SHADOW, scope=scope, patterns=patterns)
    answer = await asked(CountingEngine(said, at_once=5), draft, action=action, stream=stream)
    assert answer.texts == [said]
    assert answer.recorded == [(PlanKind.PASS, [Mode.SHADOW])] * count


@pytest.mark.anyio
async def test_a_name_in_an_exception_is_said(asked: Ask) -> None:
    draft = Draft(name=NAME, exceptions=(f"{NAME} Library",))
    engine = CountingEngine(f"Meet at the {NAME} Library.")
    assert (await asked(engine, draft)).texts == [f"Meet at the {NAME} Library."]


@pytest.mark.anyio
async def test_where_the_watch_masks_every_answer_is_restricted_from_the_beginning(asked: Ask) -> None:
    engine = CountingEngine(CLEAN)
    answer = await asked(engine, PERSON, action=WatchAction.MASK)
    assert answer.texts == [CLEAN]
    assert engine.asked[0][1]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_where_the_watch_is_off_the_answer_is_what_the_question_made_it(asked: Ask, stream: bool) -> None:
    engine = CountingEngine(UNASKED, at_once=4)
    assert (await asked(engine, PERSON, action=WatchAction.OFF, stream=stream)).texts == [UNASKED]


class EndingEngine(CountingEngine):
    """Says whether a stop string ended the answer: none did."""

    def choice(self, path: str, text: str, finish: str | None, holder: str) -> dict[str, Any]:
        return {**super().choice(path, text, finish, holder), "stop_reason": None}


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("members", "is_said"),
    [
        ({}, True),
        ({"temperature": 0.5}, True),
        ({"logit_bias": {"7": -100}}, False),
        ({"bad_words": ["rne"]}, False),
        ({"response_format": {"type": "json_object"}}, False),
    ],
)
async def test_who_is_kept_from_words_by_the_request_has_not_ended_the_answer_itself(
    asked: Ask, stream: bool, members: dict[str, Any], is_said: bool
) -> None:
    said = await asked(EndingEngine("Christopher"), Draft(name="Christopher Vorne"), stream=stream, **members)
    assert said.texts == ["Christopher" if is_said else DECLINE]


class CutEngine(CountingEngine):
    """Sends its scripts in pieces that end at the given places."""

    def __init__(self, *scripts: str, ends: Sequence[int]) -> None:
        super().__init__(*scripts)
        self.ends = ends

    def pieces(self, script: str) -> list[str]:
        places = [0, *sorted({end for end in self.ends if 0 < end < len(script)}), len(script)]
        return [script[start:end] for start, end in pairwise(places)]


NAMES = ["Orla Quarnwick", "ORLA-QUARNWICK", "Quarnwick Orla"]


@given(ends=st.sets(st.integers(1, 60), max_size=12), name=st.sampled_from(NAMES))
@settings(max_examples=20)
def test_whatever_the_chunks_no_name_leaves_and_the_text_is_the_same(
    policy: Policy, ends: set[int], name: str
) -> None:
    text = f"Three keepers: Ada Moss, {name} and Pell Dross."
    answer = asyncio.run(ask_under(policy, CutEngine(text, REST, ends=sorted(ends)), stream=True))
    assert answer.texts == [CLEAN]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_says_a_phrase_of_scope_always_ends_there_and_is_not_planned_again(
    asked: Ask, stream: bool
) -> None:
    engine = CountingEngine("Three keepers: Ada Moss, Ilse Marwickle and Pell Dross.", at_once=6)
    answer = await asked(engine, PERSON, Draft(name="Ilse Marwickle", scope=targets.Scope.ALWAYS), stream=stream)
    assert answer.texts == ["Three keepers: Ada Moss, "]
    assert (len(engine.asked), answer.recorded) == (1, [])
