"""What is to be done with a request: the detector's matches under the current policy, and the sealed body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import orjson
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from guard.decoding.request_args import EngineArgs
from guard.detection.detector import Detector, Match
from guard.detection.embedder import BATCH
from guard.matching.automaton import Automaton
from guard.policy.current import CurrentPolicy
from guard.policy.plan import Plan, PlanKind, plan_for
from guard.policy.policy import Policy
from guard.targets.target import ForgetTarget
from guard.text.conversation import Message
from serving.protocol.request import GenerationRequest

# Kinds of plan under which the engine says nothing of its own.
WITHHELD = frozenset({PlanKind.DECLINE, PlanKind.AGENTS})
CONSTRAINTS = frozenset(
    {"response_format", "structured_outputs", "tools", "tool_choice", "functions", "function_call"}
)


class Judgement(NamedTuple):
    """A plan, and of the policy snapshot it was made under the automata it names and the targets that matched."""

    plan: Plan
    automata: tuple[Automaton, ...]
    touched: Mapping[str, ForgetTarget] = MappingProxyType({})


class Judge:
    """Plans under the policy snapshot in force when it is asked; one snapshot serves a request to its end."""

    def __init__(self, current: CurrentPolicy, detector: Detector) -> None:
        self._current = current
        self._detector = detector
        # As many wait for the embedder as it encodes together.
        self._threads = CapacityLimiter(BATCH)

    def unready(self) -> str:
        """Why no request can be judged now; empty when one can."""
        if self._current.policy is None:
            return "the policy is being compiled"
        return "" if self._current.healthy else "the policy in force is older than the registry's"

    async def judge(self, conversation: Sequence[Message]) -> Judgement:
        """What to do with `conversation`; embedding runs in a thread, and never without contextual targets."""
        policy = self._current.required()
        if policy.has_contextual:
            return await run_sync(
                self._judged, policy, conversation, abandon_on_cancel=True, limiter=self._threads
            )
        return _planned(policy, ())

    def _judged(self, policy: Policy, conversation: Sequence[Message]) -> Judgement:
        return _planned(policy, self._detector.detect(policy, conversation))


def _planned(policy: Policy, matches: Sequence[Match]) -> Judgement:
    plan = plan_for(policy, matches)
    touched = {match.target_id: policy.targets[match.target_id] for match in matches}
    return Judgement(plan, tuple(policy.automata[digest] for digest in plan.automata), touched)


def sealed(request: GenerationRequest, plan: Plan) -> bytes:
    """The body the engine gets: the client's own, with the policy written in."""
    body = dict(request.body)
    args = engine_args(plan)
    if plan.kind in WITHHELD:
        args = replace(args, automata=(), closed=True)
        # A closed row may only end: a grammar would refuse that, and the rest would put it off.
        body = {key: value for key, value in body.items() if key not in CONSTRAINTS}
        body.update(ignore_eos=False, min_tokens=0)
    body["vllm_xargs"] = args.dump()
    return orjson.dumps(body)


def engine_args(plan: Plan) -> EngineArgs:
    """Return what the engine's processors are told of a plan under which the model answers."""
    subtraction = plan.subtraction if plan.kind is PlanKind.SUBTRACT else None
    return EngineArgs(str(plan.version), plan.automata, biases=plan.biases, subtraction=subtraction)
