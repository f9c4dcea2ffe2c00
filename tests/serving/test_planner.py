from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from guard.decoding.request_args import BIAS, EngineArgs, Subtraction
from guard.policy.plan import Plan, PlanKind
from serving.planner import engine_args, engine_body
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
