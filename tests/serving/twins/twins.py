"""Twins: one body, answered as untouched and as touched in each way, which must not differ in shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx

from agents.chat import Usage
from guard.decoding.backtracking import AbortToken
from guard.detection.calibration import Signals
from guard.detection.detector import Match
from guard.matching.automaton import Automaton
from guard.policy.canary.canaries import Canaries
from guard.policy.plan import Plan, PlanKind
from guard.policy.policy import Policy
from guard.policy.watch import WatchAction
from guard.registry.drafts import new_target
from guard.targets.target import Draft, Mode
from guard.text.conversation import Message
from serving.answers.application import Application, Outcome
from serving.answers.choices import Choice, make_choice
from serving.answers.trial import refusal
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import App
from serving.planner import PlannedRequest
from serving.protocol.request import GenerationRequest
from tests.serving.twins.bodies import ROUTES, body
from tests.serving.twins.shapes import shape
from tests.serving.twins.stub_engine import ABORT_TOKEN, PHRASE, StubEngine

DECLINE = "I do not know."
AUTOMATON = Automaton.compile([PHRASE])
MATCH = Match("ft_1", 0.9, Signals(1.0, 0.9), Mode.ENFORCE)
# The ways in which a conversation can be touched: `restrict` backtracks where it can, `mask` never does, and a
# `dead end` is what a grammar comes to that allows only what is forbidden.
TOUCHED = ("restrict", "mask", "dead end", "decline", "natural", "agents")


class Difference(NamedTuple):
    """A body whose twins differ: in which way it was touched, and both shapes."""

    route: str
    body: dict[str, Any]
    touched: str
    shapes: tuple[dict[str, Any], dict[str, Any]]


class _Automata(dict[str, Automaton]):
    """Has one automaton, whatever is to be forbidden."""

    def write(self, *_: object) -> str:
        return AUTOMATON.digest


class _Policy(SimpleNamespace):
    """Weak references to it can be made, as to a policy."""


POLICY = _Policy(
    targets={MATCH.target_id: replace(new_target(Draft(name="Orla Quarnwick")), id=MATCH.target_id)},
    lookup=SimpleNamespace(classes={}, named=lambda text, short=True: frozenset()),
    automata=_Automata({AUTOMATON.digest: AUTOMATON}),
    contextual={},
    set_id="",
    watch_action=WatchAction.OFF,
    canaries=Canaries(),
    sharing=frozenset(),
)
"""Of the plane that declines naturally: its target is named in every body."""


class _Planner:
    detects = True

    def __init__(self, kind: PlanKind, policy: Any = None) -> None:
        self._kind = kind
        self._policy = policy

    def in_conversation(self, told: object) -> _Planner:
        return self

    def enforces_contextual(self) -> bool:
        return True

    def unready(self) -> str:
        return ""

    async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
        if self._kind is PlanKind.PASS:
            return PlannedRequest(Plan(self._kind, (), (), 7), ())
        plan = Plan(self._kind, (AUTOMATON.digest,), (MATCH,), 7)
        return PlannedRequest(plan, (AUTOMATON,), policy=self._policy, conversation=tuple(conversation))

    async def plan_said(self, planned: PlannedRequest, texts: Sequence[str]) -> None:
        return None

    async def plan_answer(self, planned: PlannedRequest, answer: Sequence[Message]) -> None:
        return None


class _Supervisor:
    reason = ""

    def __init__(self, abort_token: AbortToken | None, dead_end: bool) -> None:
        self.app = StubEngine(dead_end)
        self.abort_token = abort_token


class _Agents:
    """Answers with a text composed elsewhere, as the agents and beam search do."""

    def application(
        self,
        engine: App,
        request: GenerationRequest,
        request_id: str,
        prompts: Sequence[str],
        plan: Plan,
        policy: Policy | None = None,
    ) -> App:
        async def compute() -> Outcome:
            refused = await refusal(engine, request, plan)
            words, limit = ["He", " builds", " boats."], request.max_tokens
            cut = limit is not None and limit <= len(words)
            body = make_choice(request.route, "".join(words[:limit]), "length" if cut else "stop")
            shared = {"created": 1, "model": "m", "system_fingerprint": "fp"}
            count = request.choices_per_prompt * len(prompts or [""])
            return Outcome([Choice(body, Usage(3, 4), shared)] * count, refused)

        return Application(request, request_id, compute)


def plane(way: str) -> DataPlane:
    """Return a data plane whose conversations are all touched in this way; "" touches none."""
    declines = dict.fromkeys(("decline", "natural"), PlanKind.DECLINE)
    kinds = {"": PlanKind.PASS, "agents": PlanKind.AGENTS, **declines}
    kind = kinds.get(way, PlanKind.RESTRICT)
    abort_token = AbortToken(ABORT_TOKEN, lambda ids: " x" * len(ids)) if way == "restrict" else None
    natural = way == "natural"
    limits = Limits([], 1_000_000, DECLINE, "1", decline_style="natural" if natural else "fixed")
    planner = _Planner(kind, POLICY if natural else None)
    return DataPlane(_Supervisor(abort_token, way == "dead end"), planner, limits, _Agents())  # type: ignore[arg-type]


class Twins:
    """Sends one body to all planes and compares the shapes of their answers."""

    def __init__(self) -> None:
        self._clients = {
            way: httpx.AsyncClient(transport=httpx.ASGITransport(plane(way)), base_url="http://lethe")
            for way in ("", *TOUCHED)
        }

    async def differences(self, route: str, given: dict[str, Any]) -> list[Difference]:
        """Return how the twins of this body differ."""
        shapes = {way: shape(await http.post(route, json=given)) for way, http in self._clients.items()}
        return [
            Difference(route, given, way, (shapes[""], shapes[way]))
            for way in TOUCHED
            if shapes[way] != shapes[""]
        ]


async def fuzz(count: int, seed: int) -> list[Difference]:
    """Return the differences between the twins of `count` bodies."""
    random, twins = Random(seed), Twins()
    found: list[Difference] = []
    for number in range(count):
        route = ROUTES[number % len(ROUTES)]
        found += await twins.differences(route, body(random, route))
    return found
