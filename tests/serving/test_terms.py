from __future__ import annotations

import orjson

from guard.plan import Plan, PlanKind
from guard.soft.terms import BIAS, biases
from serving.denied import CHAT
from serving.judge import sealed, terms
from serving.request import GenerationRequest

DIGESTS = ("a" * 64, "b" * 64)


def test_the_engine_is_told_of_a_plan_s_biases_as_it_reads_them() -> None:
    assert biases(terms(Plan(PlanKind.RESTRICT, (), (), 3, biases=DIGESTS))) == DIGESTS
    assert BIAS not in terms(Plan(PlanKind.RESTRICT, (), (), 3))


def test_a_client_cannot_name_or_lift_a_bias() -> None:
    request = GenerationRequest(CHAT, {"messages": [], "vllm_xargs": {BIAS: "c" * 64, "lethe_automata": ""}})
    plain, soft = (
        orjson.loads(sealed(request, Plan(PlanKind.RESTRICT, DIGESTS, (), 3, biases=given)))
        for given in ((), DIGESTS)
    )
    assert BIAS not in plain["vllm_xargs"]
    assert soft["vllm_xargs"][BIAS] == ",".join(DIGESTS)
