from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import orjson
import pytest

from guard.decoding.request_args import BIAS, EngineArgs, Subtraction
from guard.detection.calibration import Signals
from guard.detection.detector import Examination, Match
from guard.errors import PolicyUnavailable
from guard.policy.always import AlwaysOnAutomata
from guard.policy.canary.canaries import Canaries
from guard.policy.current import CurrentPolicy
from guard.policy.near import AlwaysNear
from guard.policy.plan import Plan, PlanKind
from guard.policy.watch import WatchAction
from guard.registry.drafts import new_target
from guard.targets.target import Draft, Kind, Mode, Scope
from guard.text.conversation import Message
from serving.planner import LONG_CHARS, MAX_LONG, PlannedRequest, Planner
from serving.protocol.engine_body import engine_args, engine_body
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
        def examine(self, _lookup: object, conversation: Sequence[Message], *_: object) -> Examination:
            if len(conversation[0].text) > LONG_CHARS:
                running.release()
                assert release.wait(20)
            return Examination((), ())

    policy = SimpleNamespace(
        lookup=SimpleNamespace(has_contextual=True, classes={}),
        canaries=Canaries(),
        classes=lambda touched: (),
        always=AlwaysOnAutomata(),
        contextual={},
        automata={},
        assistants={},
        soft={},
        targets={},
        near=AlwaysNear(),
        version=1,
        set_id="",
        watch_action=WatchAction.OFF,
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


class OnePlan(Planner):
    """Plans whatever it is given with the same matches."""

    def __init__(self, *matches: Match) -> None:
        self.matches = matches

    async def _plan(
        self, conversation: Sequence[Message], sharing: object, unnamed: object = None
    ) -> PlannedRequest:
        return PlannedRequest(Plan(PlanKind.RESTRICT, (), self.matches, 3), ())


@pytest.mark.anyio
async def test_an_answer_has_a_plan_of_its_own_only_for_what_the_request_did_not_touch() -> None:
    asked, other = (Match(target, 0.9, Signals(1.0, 0.9), Mode.ENFORCE) for target in ("ft_1", "ft_2"))
    planned = PlannedRequest(Plan(PlanKind.RESTRICT, (), (asked,), 3), ())
    shadow = replace(other, mode=Mode.SHADOW)
    assert await OnePlan().plan_answer(planned, ()) is None
    assert await OnePlan(asked, shadow).plan_answer(planned, ()) is None
    assert await OnePlan(asked, other).plan_answer(planned, ()) is not None
    assert await OnePlan(other).plan_answer(replace_mode(planned, other), ()) is not None


def replace_mode(planned: PlannedRequest, match: Match) -> PlannedRequest:
    """A request that touched the target in shadow mode, before it was enforced."""
    return planned._replace(plan=replace(planned.plan, matches=(replace(match, mode=Mode.SHADOW),)))


@pytest.mark.parametrize(
    ("scope", "mode", "enforces"),
    [
        (Scope.CONTEXTUAL, Mode.ENFORCE, True),
        (Scope.CONTEXTUAL, Mode.SHADOW, False),
        (Scope.ALWAYS, Mode.ENFORCE, False),
    ],
)
def test_it_says_whether_a_target_is_enforced_by_what_a_conversation_says(
    scope: Scope, mode: Mode, enforces: bool
) -> None:
    target = SimpleNamespace(draft=SimpleNamespace(scope=scope, mode=mode, tags=()))
    policy = SimpleNamespace(
        version=1, targets={"ft_1": target}, lookup=SimpleNamespace(has_contextual=scope is not Scope.ALWAYS)
    )
    planner = Planner(SimpleNamespace(required=lambda: policy), None)  # type: ignore[arg-type]
    assert planner.enforces_contextual() is enforces
    policy.targets = {}
    # What a version says never changes: it is counted once.
    assert planner.enforces_contextual() is enforces
    policy.version = 2
    assert planner.enforces_contextual() is False


async def test_near_copies_count_of_touched_targets_in_enforce_mode() -> None:
    titles = {"ft_1": "Lanterns of Mercy", "ft_2": "The Glass Orchard of Venn", "ft_3": "The Tide Ledger Prize"}
    drafts = {id: Draft(name="a work", kind=Kind.TOPIC, phrases=(title,)) for id, title in titles.items()}
    drafts["ft_2"] = replace(drafts["ft_2"], mode=Mode.SHADOW)
    drafts["ft_3"] = replace(drafts["ft_3"], scope=Scope.ALWAYS)
    targets = {id: replace(new_target(draft), id=id) for id, draft in drafts.items()}
    matches = tuple(Match(id, 0.9, Signals(1.0, 0.9), draft.mode) for id, draft in drafts.items())

    class Matching:
        def examine(self, *_: object) -> Examination:
            return Examination(matches, ())

    policy = SimpleNamespace(
        lookup=SimpleNamespace(has_contextual=True, classes={}),
        canaries=Canaries(),
        classes=lambda touched: (),
        always=AlwaysOnAutomata(),
        contextual={"ft_1": "a" * 64, "ft_3": "b" * 64},
        automata={"a" * 64: None, "b" * 64: None},
        assistants={},
        soft={},
        targets=targets,
        near=AlwaysNear(),
        version=1,
        set_id="",
        watch_action=WatchAction.OFF,
    )
    planner = Planner(CurrentPolicy(policy), Matching())  # type: ignore[arg-type]
    for _ in range(2):
        planned = await planner.plan([Message("user", "Hello.")])
        assert [near.phrases for near in planned.near] == [(("tide", "ledger", "prize"),)]
    policy.targets = {**targets, "ft_1": replace(targets["ft_1"], forbidden=("Lanterns of Mercy: A Diary",))}
    planner = Planner(CurrentPolicy(policy), Matching())  # type: ignore[arg-type]
    planned = await planner.plan([Message("user", "Hello.")])
    assert [phrases for near in planned.near for phrases in near.phrases] == [
        ("lanterns", "mercy", "diary"),
        ("tide", "ledger", "prize"),
    ]


def test_a_policy_that_is_too_stale_makes_the_server_unready_and_plans_nothing() -> None:
    current = CurrentPolicy(SimpleNamespace(lookup=None), max_staleness_s=60)  # type: ignore[arg-type]
    planner = Planner(current, SimpleNamespace())  # type: ignore[arg-type]
    assert planner.unready() == ""
    behind = Planner(current, SimpleNamespace(), elsewhere=lambda: "other servers do")  # type: ignore[arg-type]
    assert behind.unready() == "other servers do"
    current.compared_at -= 61
    assert planner.unready() == "the registry cannot be reached"
    with pytest.raises(PolicyUnavailable, match="cannot be reached"):
        asyncio.run(planner.plan(()))
