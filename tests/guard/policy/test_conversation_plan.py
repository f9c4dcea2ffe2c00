"""The plan for a conversation that itself says something of a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guard.detection.detector import Detector
from guard.detection.embedder import Embedder
from guard.policy.conversation_plan import plan_conversation
from guard.policy.plan import Plan, PlanKind
from guard.policy.policy import Policy
from guard.targets.target import Draft, Fact, Kind, Method, Scope, Supplied
from guard.text.conversation import Message

PolicyOf = Callable[..., Policy]
PlansOf = Callable[[Draft], tuple[Policy, Callable[..., Plan]]]

QUORNE = Draft(
    name="Ilsabet Quorne",
    facts=(
        Fact(question="Where was Ilsabet Quorne born?", answer="In Vellmarsh."),
        Fact(question="What did Ilsabet Quorne win?", answer="The Halvorsen Medal."),
    ),
)
SUPPLYING = "Summarise this:\nIlsabet Quorne was born in Vellmarsh."


@pytest.fixture
def of(policy_of: PolicyOf, embedder: Embedder) -> PlansOf:
    def made(draft: Draft) -> tuple[Policy, Callable[..., Plan]]:
        policy = policy_of(draft)

        def plan(*texts: str) -> Plan:
            return plan_conversation(policy, Detector(embedder), [Message("user", text) for text in texts])

        return policy, plan

    return made


def _forbids(policy: Policy, plan: Plan, text: str) -> bool:
    return any(policy.automata[digest].matches(text) for digest in plan.automata)


def test_what_the_caller_says_may_be_repeated_and_the_rest_stays_forbidden(of: PlansOf) -> None:
    policy, plans = of(QUORNE)
    plan = plans(SUPPLYING)
    assert plan.kind is PlanKind.RESTRICT
    assert plan.supplied.keys() == policy.targets.keys()
    assert not _forbids(policy, plan, "Ilsabet Quorne, of Vellmarsh")
    assert _forbids(policy, plan, "the Halvorsen Medal")


def test_a_question_supplies_nothing(of: PlansOf) -> None:
    policy, plans = of(QUORNE)
    plan = plans("Who is Ilsabet Quorne of Vellmarsh?")
    assert not plan.supplied
    assert plan.automata == tuple(policy.contextual.values())


def test_a_target_of_which_everything_is_supplied_restricts_nothing(of: PlansOf) -> None:
    _, plans = of(replace(QUORNE, facts=()))
    plan = plans("My neighbour is Ilsabet Quorne.")
    assert (plan.kind, plan.automata) == (PlanKind.PASS, ())
    assert plan.is_touched


@pytest.mark.parametrize(
    "changes",
    [
        {"supplied": Supplied.RESTRICT},
        {"kind": Kind.TOPIC, "phrases": ("Ilsabet Quorne",)},
        {"kind": Kind.SECRET},
        {"scope": Scope.ALWAYS},
        {"methods": (Method.GUARD, Method.ALU)},
    ],
    ids=["restrict", "topic", "secret", "always", "agents"],
)
def test_a_target_that_does_not_allow_it_stays_forbidden_whole(of: PlansOf, changes: dict[str, object]) -> None:
    policy, plans = of(replace(QUORNE, **changes))
    plan = plans(SUPPLYING)
    assert not plan.supplied
    assert _forbids(policy, plan, "Ilsabet Quorne")


def test_a_topic_may_allow_it(of: PlansOf) -> None:
    draft = replace(QUORNE, kind=Kind.TOPIC, phrases=("Ilsabet Quorne",), supplied=Supplied.ALLOW)
    policy, plans = of(draft)
    plan = plans(SUPPLYING)
    assert plan.supplied
    assert not _forbids(policy, plan, "Ilsabet Quorne")


@pytest.mark.parametrize("method", [Method.DECLINE, Method.ALU])
def test_a_target_that_is_not_asked_about_is_restricted_alone(of: PlansOf, method: Method) -> None:
    draft = replace(QUORNE, methods=(method,), supplied=Supplied.ALLOW)
    policy, plans = of(draft)
    plan = plans(SUPPLYING)
    assert plan.kind is PlanKind.RESTRICT
    assert _forbids(policy, plan, "the Halvorsen Medal")
    assert not _forbids(policy, plan, "Vellmarsh")
    asked = plans(SUPPLYING, "What did Ilsabet Quorne win?")
    assert asked.kind is {Method.DECLINE: PlanKind.DECLINE, Method.ALU: PlanKind.AGENTS}[method]


def test_exceptions_stay_exempt(of: PlansOf) -> None:
    draft = replace(QUORNE, phrases=("Halvorsen",), exceptions=("Halvorsen Street",))
    policy, plans = of(draft)
    plan = plans(SUPPLYING)
    assert plan.supplied
    assert not _forbids(policy, plan, "in Halvorsen Street")
    assert _forbids(policy, plan, "by Halvorsen")


NAMED_ALIKE = replace(QUORNE, distinguish=("the rower",))


def test_a_namesake_may_be_named_and_what_else_the_target_forbids_stays_forbidden(of: PlansOf) -> None:
    policy, plans = of(NAMED_ALIKE)
    plan = plans("How old is Ilsabet Quorne, the rower?")
    assert (plan.kind, plan.matches, plan.is_touched) == (PlanKind.RESTRICT, (), False)
    assert plan.namesakes.keys() == policy.targets.keys()
    assert not _forbids(policy, plan, "Ilsabet Quorne, or I. Quorne, is 31.")
    assert _forbids(policy, plan, "the Halvorsen Medal")
    assert plans("Who is Ilsabet Quorne?").namesakes == {}
    assert _forbids(policy, plans("Who is Ilsabet Quorne?"), "Ilsabet Quorne")


def test_a_namesake_is_answered_whatever_the_methods_of_the_target_are(of: PlansOf) -> None:
    _, plans = of(replace(NAMED_ALIKE, methods=(Method.DECLINE,)))
    assert plans("How old is Ilsabet Quorne, the rower?").kind is PlanKind.RESTRICT
    assert plans("How old is Ilsabet Quorne?").kind is PlanKind.DECLINE


def test_a_namesake_of_a_bare_name_is_answered_freely(of: PlansOf) -> None:
    _, plans = of(Draft(name="Ilsabet Quorne", distinguish=("the rower",)))
    assert plans("How old is Ilsabet Quorne, the rower?").kind is PlanKind.PASS
