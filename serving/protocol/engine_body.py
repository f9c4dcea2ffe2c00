"""The body that the engine gets: the client's, with the plan as arguments of the logits processors."""

from __future__ import annotations

from dataclasses import replace

import orjson

from guard.decoding.request_args import EngineArgs
from guard.policy.plan import Plan, PlanKind
from serving.protocol.request import GenerationRequest

# Kinds of plan under which the engine generates nothing.
WITHHELD = frozenset({PlanKind.DECLINE, PlanKind.AGENTS})
CONSTRAINTS = frozenset(
    {"response_format", "structured_outputs", "tools", "tool_choice", "functions", "function_call"}
)
# Members that may keep a model from the end of a word.
KEEPS_FROM_WORDS = frozenset({"response_format", "structured_outputs", "logit_bias", "bad_words"})
# Members that a declined request reaches the engine without, or with another value.
ALTERED = CONSTRAINTS | {"ignore_eos", "min_tokens"}


def engine_body(request: GenerationRequest, plan: Plan) -> bytes:
    """Return the JSON body for the engine: the client's body with the plan's engine arguments as `vllm_xargs`."""
    body = dict(request.body)
    args = engine_args(plan)
    if plan.kind in WITHHELD:
        args = replace(args, automata=(), closed=True)
        # A closed row may only emit the end of sequence, which a grammar would refuse and the rest would delay.
        body = {key: value for key, value in body.items() if key not in CONSTRAINTS}
        body.update(ignore_eos=False, min_tokens=0)
    body["vllm_xargs"] = args.dump()
    return orjson.dumps(body)


def trial_body(request: GenerationRequest, plan: Plan) -> bytes:
    """Return the client's own body as a stream, for the engine to judge whether it would answer."""
    args = engine_args(replace(plan, kind=PlanKind.RESTRICT, subtraction=None, biases=()))
    return orjson.dumps({**request.body, "stream": True, "vllm_xargs": args.dump()})


def engine_args(plan: Plan) -> EngineArgs:
    """Return the arguments of the logits processors for a plan under which the model answers."""
    subtraction = plan.subtraction if plan.kind is PlanKind.SUBTRACT else None
    return EngineArgs(
        str(plan.version),
        plan.automata,
        biases=plan.biases,
        subtraction=subtraction,
        policy_set=plan.policy_set,
    )
