from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guard.decoding.request_args import EngineArgs, Subtraction
from guard.detection.detector import Match, Signals
from guard.patterns.pattern import Pattern, PatternKind
from guard.policy.plan import Plan, PlanKind, SuppliedTarget, plan_for
from guard.policy.policy import Policy
from guard.targets.target import Decoder, Draft, Kind, Method, Mode, Scope

PolicyOf = Callable[..., Policy]

VENN = Draft(name="Orla Venn", phrases=("Tarn Hollow",))
DROSS = Draft(name="Pell Dross", phrases=("Mirrow Gate",))
SECRET = Draft(name="gate code", phrases=("zx-4471-q",), scope=Scope.ALWAYS)
WITH_DECLINE = (Method.GUARD, Method.DECLINE)


def match(policy: Policy, name: str) -> Match:
    target = next(target for target in policy.targets.values() if target.draft.name == name)
    return Match(target.id, 1.0, Signals(1.0, 0.0), target.draft.mode)


def own(policy: Policy, name: str) -> str:
    return policy.contextual[match(policy, name).target_id]


def test_a_conversation_without_matches_passes(policy_of: PolicyOf) -> None:
    policy = policy_of(VENN)
    assert plan_for(policy, []) == Plan(PlanKind.PASS, (), (), policy.version)


def test_a_match_is_restricted_by_its_own_automaton_alone(policy_of: PolicyOf) -> None:
    policy = policy_of(VENN, DROSS)
    found = match(policy, "Orla Venn")
    plan = plan_for(policy, [found])
    assert plan == Plan(PlanKind.RESTRICT, (own(policy, "Orla Venn"),), (found,), policy.version)


def test_always_on_automata_are_in_every_plan_and_first(policy_of: PolicyOf) -> None:
    policy = policy_of(VENN, SECRET)
    assert plan_for(policy, []).automata == policy.always.digests != ()
    assert plan_for(policy, []).kind is PlanKind.RESTRICT
    assert plan_for(policy, [match(policy, "Orla Venn")]).automata == (
        *policy.always.digests,
        own(policy, "Orla Venn"),
    )


def test_a_shadow_match_is_listed_and_not_acted_upon(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="Orla Venn", phrases=("Tarn Hollow",), methods=WITH_DECLINE, mode=Mode.SHADOW))
    found = match(policy, "Orla Venn")
    assert plan_for(policy, [found]) == Plan(PlanKind.PASS, (), (found,), policy.version)


def test_decline_wins_over_restrict(policy_of: PolicyOf) -> None:
    policy = policy_of(VENN, Draft(name="Pell Dross", phrases=("Mirrow Gate",), methods=WITH_DECLINE))
    plan = plan_for(policy, [match(policy, "Orla Venn"), match(policy, "Pell Dross")])
    assert plan.kind is PlanKind.DECLINE
    assert set(plan.automata) == {own(policy, "Orla Venn"), own(policy, "Pell Dross")}


def test_a_target_to_decline_needs_no_automaton(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="Orla Venn", methods=(Method.DECLINE,)))
    assert plan_for(policy, [match(policy, "Orla Venn")]).kind is PlanKind.DECLINE


def test_targets_with_the_same_phrases_share_one_automaton(policy_of: PolicyOf) -> None:
    policy = policy_of(
        Draft(name="Orla Venn", phrases=("Tarn Hollow",), exceptions=("Orla Venn",)),
        Draft(name="Pell Dross", phrases=("tarn-hollow",), exceptions=("Pell Dross",)),
    )
    plan = plan_for(policy, [match(policy, "Orla Venn"), match(policy, "Pell Dross")])
    assert plan.automata == (own(policy, "Orla Venn"),)


def test_a_target_without_a_phrase_to_forbid_is_declined(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="silver tide ritual", kind=Kind.TOPIC))
    found = match(policy, "silver tide ritual")
    assert found.target_id not in policy.contextual
    assert plan_for(policy, [found]).kind is PlanKind.DECLINE


def test_a_target_of_a_whole_class_is_restricted_although_it_has_no_automaton(policy_of: PolicyOf) -> None:
    accounts = Draft(name="accounts", kind=Kind.TOPIC, patterns=(Pattern(kind=PatternKind.IBAN, value="*"),))
    policy = policy_of(accounts)
    found = match(policy, "accounts")
    assert plan_for(policy, [found]) == Plan(PlanKind.RESTRICT, (), (found,), policy.version)
    assert len(policy.classes({found.target_id})) == 1
    # What the caller supplies of the target leaves its classes forbidden.
    supplied = SuppliedTarget(policy.targets[found.target_id], "", 1, False)
    assert plan_for(policy, [found], {found.target_id: supplied}).kind is PlanKind.RESTRICT
    assert plan_for(policy, []).kind is PlanKind.PASS
    assert policy.classes(()) == ()


def test_a_class_of_scope_always_restricts_every_answer(policy_of: PolicyOf) -> None:
    cards = Draft(name="cards", kind=Kind.TOPIC, patterns=(Pattern(kind=PatternKind.CARD, value="*"),))
    policy = policy_of(replace(cards, scope=Scope.ALWAYS))
    assert plan_for(policy, []).kind is PlanKind.RESTRICT
    assert len(policy.classes(())) == 1


def test_a_class_in_shadow_mode_restricts_nothing(policy_of: PolicyOf) -> None:
    shadow = Draft(
        name="cards",
        kind=Kind.TOPIC,
        patterns=(Pattern(kind=PatternKind.CARD, value="*"),),
        scope=Scope.ALWAYS,
        mode=Mode.SHADOW,
    )
    policy = policy_of(shadow)
    assert (plan_for(policy, []).kind, policy.classes(())) == (PlanKind.PASS, ())


def test_agents_win_over_subtraction_and_subtraction_over_restriction(policy_of: PolicyOf) -> None:
    drafts = [
        Draft(name="Orla Venn", phrases=("Tarn Hollow",), methods=(Method.GUARD, Method.ULD), alpha=0.5),
        Draft(name="Pell Dross", phrases=("Mirrow Gate",), methods=(Method.ALU,)),
    ]
    policy = policy_of(*drafts)
    venn, dross = match(policy, "Orla Venn"), match(policy, "Pell Dross")
    assert plan_for(policy, [venn]).kind is PlanKind.RESTRICT, "its assistant is not promoted yet"
    policy = replace(policy, assistants={venn.target_id: "a" * 64})
    plan = plan_for(policy, [venn])
    assert (plan.kind, plan.subtraction) == (PlanKind.SUBTRACT, Subtraction("a" * 64, 0.5, None))
    assert plan.automata == (own(policy, "Orla Venn"),)
    assert plan_for(policy, [venn, dross]).kind is PlanKind.AGENTS


def test_a_restricted_answer_uses_beam_search_if_any_of_its_targets_asks_for_it(policy_of: PolicyOf) -> None:
    policy = policy_of(VENN, Draft(name="Pell Dross", phrases=("Mirrow Gate",), decoder=Decoder.BEAM), SECRET)
    venn, dross = match(policy, "Orla Venn"), match(policy, "Pell Dross")
    assert plan_for(policy, [venn, dross]).decoder is Decoder.BEAM
    assert plan_for(policy, [venn]).decoder is Decoder.SAMPLE
    shadow = replace(dross, mode=Mode.SHADOW)
    assert plan_for(policy, [venn, shadow]).decoder is Decoder.SAMPLE


def test_agents_answer_for_a_target_without_a_phrase_to_forbid(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="silver tide ritual", kind=Kind.TOPIC, methods=(Method.ALU,)))
    assert plan_for(policy, [match(policy, "silver tide ritual")]).kind is PlanKind.AGENTS


def test_two_hundred_targets_at_once_are_restricted(policy_of: PolicyOf) -> None:
    policy = policy_of(SECRET, *(Draft(name=f"Orla Venn {n}", phrases=(f"Tarn Hollow {n}",)) for n in range(200)))
    plan = plan_for(policy, [match(policy, f"Orla Venn {n}") for n in range(200)])
    assert plan.kind is PlanKind.RESTRICT
    assert len(plan.automata) == 201
    args = EngineArgs(str(plan.version), plan.automata)
    assert EngineArgs.load(args.dump()) == args


def test_a_conversation_that_needs_more_automata_than_a_row_has_is_declined(
    policy_of: PolicyOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guard.policy.plan.MAX_AUTOMATA", 2)
    policy = policy_of(VENN, DROSS, SECRET)
    plan = plan_for(policy, [match(policy, "Orla Venn"), match(policy, "Pell Dross")])
    assert (plan.kind, plan.automata) == (PlanKind.DECLINE, policy.always.digests)
    assert len(plan.matches) == 2
