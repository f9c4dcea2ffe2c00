from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import orjson
import pytest

from guard.decoding.request_args import BIAS, EngineArgs, Subtraction
from guard.detection.detector import Match
from guard.policy.always import AlwaysOnAutomata
from guard.policy.current import CurrentPolicy
from guard.policy.plan import Plan, PlanKind
from guard.text.conversation import Message
from serving.planner import LONG_CHARS, MAX_LONG, Planner, engine_args, engine_body
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

DIGESTS = ("a" * 64, "b" * 64)


def test_a_plan_becomes_the_arguments_that_the_processors_load() -> None:
    subtraction = Subtraction("c" * 64, 0.5)
    restrict = Plan(PlanKind.RESTRICT, DIGESTS, (), 3, subtraction, biases=DIGESTS[:1])
    assert engine_args(restrict) == EngineArgs("3", DIGESTS, biases=DIGESTS[:1])
    assert engine_args(replace(restrict, kind=PlanKind.SUBTRACT)).subtraction == subtraction
    assert EngineArgs.load(engine_args(restrict).dump()) == engine_args(restrict)


@pytest.mark.parametrize("kind", [PlanKind.DECLINE, PlanKind.AGENTS])
def test_a_declined_or_agents_plan_closes_the_row(kind: PlanKind) -> None:
    request = GenerationRequest(CHAT, {"messages": [], "ignore_eos": True, "tools": [{}]})
    body = orjson.loads(engine_body(request, Plan(kind, DIGESTS, (), 3)))
    assert EngineArgs.load(body["vllm_xargs"]) == EngineArgs("3", closed=True)
    assert (body["ignore_eos"], body["min_tokens"], body.get("tools")) == (False, 0, None)


def test_a_client_cannot_name_or_lift_a_bias() -> None:
    request = GenerationRequest(CHAT, {"messages": [], "vllm_xargs": {BIAS: "c" * 64, "lethe_automata": ""}})
    plain, soft = (
        orjson.loads(engine_body(request, Plan(PlanKind.RESTRICT, DIGESTS, (), 3, biases=given)))
        for given in ((), DIGESTS)
    )
    assert BIAS not in plain["vllm_xargs"]
    assert soft["vllm_xargs"][BIAS] == ",".join(DIGESTS)


async def test_long_conversations_leave_threads_for_short_ones() -> None:
    release, running = threading.Event(), threading.Semaphore(0)

    class Slow:
        def detect(self, _lookup: object, conversation: Sequence[Message], _deadline: object) -> tuple[Match, ...]:
            if len(conversation[0].text) > LONG_CHARS:
                running.release()
                assert release.wait(20)
            return ()

    policy = SimpleNamespace(
        lookup=SimpleNamespace(has_contextual=True),
        always=AlwaysOnAutomata(),
        contextual={},
        automata={},
        assistants={},
        soft={},
        targets={},
        version=1,
    )
    planner = Planner(CurrentPolicy(policy), Slow())  # type: ignore[arg-type]
    long = [Message("user", "x" * (LONG_CHARS + 1))]
    waiting = [asyncio.create_task(planner.plan(long)) for _ in range(100)]
    for _ in range(MAX_LONG):
        assert await asyncio.to_thread(running.acquire, timeout=20)
    assert (await planner.plan([Message("user", "Hello.")])).plan.kind is PlanKind.PASS
    assert not any(task.done() for task in waiting)
    release.set()
    await asyncio.gather(*waiting)
