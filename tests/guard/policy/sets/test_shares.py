"""The policy of a share is the one that the same targets, enforced, would have made."""

from __future__ import annotations

from dataclasses import replace

from guard.detection.detector import Detector
from guard.patterns.pattern import Pattern, PatternKind
from guard.policy.canary.share import Conversation
from guard.policy.compiler import Compiler
from guard.policy.conversation_plan import plan_conversation, targets_said, watched_automata
from guard.policy.plan import Plan, PlanKind
from guard.policy.policy import Policy
from guard.policy.sets.shares import SharePolicies
from guard.registry.registry import Registry
from guard.targets.target import Draft, Method, Mode, Scope
from guard.text.conversation import Message
from tests.guard.conftest import WordEmbedder

VENN = Draft(name="Orla Quarnwick", phrases=("cellar smelting rites",), mode=Mode.SHADOW, canary=0.5)
CODE = Draft(name="gate code", phrases=("zx-4471-q",), scope=Scope.ALWAYS, mode=Mode.SHADOW, canary=0.5)
DROSS = Draft(name="Pell Drosswell")
EVERY_IBAN = (Pattern(kind=PatternKind.IBAN, value="*"),)
ABOUT_VENN = "Who is Orla Quarnwick?"


def plan_of(policy: Policy, embedder: WordEmbedder, text: str) -> Plan:
    return plan_conversation(policy, Detector(embedder), [Message("user", text)])


def sharing(policy: Policy, *ids: str) -> Policy:
    return SharePolicies().sharing(policy, frozenset(ids))


def test_a_touched_target_is_restricted_in_its_share_and_recorded_elsewhere(
    registry: Registry, compiler: Compiler, embedder: WordEmbedder
) -> None:
    venn = registry.add(VENN)
    policy = compiler.compile()
    inside, outside = (
        plan_of(sharing(policy, venn.id), embedder, ABOUT_VENN),
        plan_of(policy, embedder, ABOUT_VENN),
    )
    assert (inside.kind, outside.kind) == (PlanKind.RESTRICT, PlanKind.PASS)
    assert inside.automata == (policy.contextual[venn.id],)
    assert [match.mode for match in (*inside.matches, *outside.matches)] == [Mode.ENFORCE, Mode.SHADOW]


def test_decline_and_agents_act_in_the_share(
    registry: Registry, compiler: Compiler, embedder: WordEmbedder
) -> None:
    for method, kind in ((Method.DECLINE, PlanKind.DECLINE), (Method.ALU, PlanKind.AGENTS)):
        target = registry.add(replace(VENN, name=f"{VENN.name} {method}", methods=(method,)))
        policy = compiler.compile()
        asked = f"Who is Orla Quarnwick {method}?"
        assert plan_of(sharing(policy, target.id), embedder, asked).kind is kind
        assert plan_of(policy, embedder, asked).kind is PlanKind.PASS
        registry.revoke(target.id)


def test_phrases_of_scope_always_join_every_plan_of_the_share(
    registry: Registry, compiler: Compiler, embedder: WordEmbedder
) -> None:
    code = registry.add(CODE)
    policy = compiler.compile()
    (digest,) = plan_of(sharing(policy, code.id), embedder, "Hello.").automata
    assert policy.automata[digest].matches("It is zx-4471-q.")
    assert plan_of(policy, embedder, "Hello.").automata == ()


def test_long_phrases_of_scope_always_may_not_be_nearly_said_in_the_share(
    registry: Registry, compiler: Compiler
) -> None:
    long = "the quicksilver lantern of Brackenhollow burns beneath the seventh frozen viaduct"
    code = registry.add(replace(CODE, phrases=(long,)))
    policy = compiler.compile()
    assert sharing(policy, code.id).near.texts
    assert not policy.near.texts


def test_values_of_classes_are_forbidden_in_the_share_and_recorded_elsewhere(
    registry: Registry, compiler: Compiler
) -> None:
    both = registry.add_many([replace(VENN, patterns=EVERY_IBAN), replace(CODE, patterns=EVERY_IBAN)])
    venn, code = (target.id for target in both)
    policy = compiler.compile()
    assert policy.classes({venn}) == ()
    assert set(policy.shadow_classes) == {venn, code}
    inside = sharing(policy, venn, code)
    assert len(inside.classes(())) == 1  # of scope always
    assert sharing(policy, venn).classes(()) == ()
    assert len(sharing(policy, venn).classes({venn})) == 1
    assert inside.shadow_classes == ()


def test_answers_of_the_share_are_searched_for_what_tells_the_target(
    registry: Registry, compiler: Compiler, embedder: WordEmbedder
) -> None:
    venn, dross = registry.add_many([VENN, DROSS])
    policy = compiler.compile()
    inside, text = sharing(policy, venn.id), "By Orla Quarnwick and Pell Drosswell."
    assert targets_said(inside, Mode.ENFORCE, [text], ()) == {venn.id, dross.id}
    assert targets_said(inside, Mode.SHADOW, [text], ()) == frozenset()
    assert targets_said(policy, Mode.ENFORCE, [text], ()) == {dross.id}
    assert targets_said(policy, Mode.SHADOW, [text], ()) == {venn.id}
    searched = watched_automata(inside, plan_of(inside, embedder, "Hello."))
    assert any(each.matches("Orla Quarnwick") for each in searched)


def test_targets_without_a_share_stay_in_shadow(
    registry: Registry, compiler: Compiler, embedder: WordEmbedder
) -> None:
    venn, other = registry.add_many([VENN, replace(VENN, name="Brisa Tannerfold", canary=None)])
    policy = compiler.compile()
    assert sharing(policy, other.id) is policy
    assert plan_of(sharing(policy, venn.id), embedder, "Who is Brisa Tannerfold?").kind is PlanKind.PASS


def test_a_policy_is_made_once_for_each_share_and_again_for_another_version(
    registry: Registry, compiler: Compiler
) -> None:
    venn, code = registry.add_many([VENN, CODE])
    shares, policy = SharePolicies(), compiler.compile()
    made = shares.sharing(policy, frozenset({venn.id}))
    assert shares.sharing(policy, frozenset({venn.id})) is made
    assert shares.sharing(policy, frozenset({code.id})) is not made
    assert shares.sharing(made, frozenset({venn.id})).sharing == {venn.id}
    registry.add(DROSS)
    later = shares.sharing(compiler.compile(policy), frozenset({venn.id}))
    assert (later.version, made.version) == (policy.version + 1, policy.version)


def test_a_conversation_of_a_share_has_its_policy_and_others_that_of_all(
    registry: Registry, compiler: Compiler
) -> None:
    venn = registry.add(VENN)
    shares, policy = SharePolicies(), compiler.compile()
    for told in (Conversation("", f"Question {n}?") for n in range(40)):
        made = shares.of(policy, told)
        assert made.sharing == policy.canaries.sharing(told)
        assert (made is policy) == (venn.id not in made.sharing)


def test_a_policy_set_has_the_canaries_alone_that_hold_for_it(registry: Registry, compiler: Compiler) -> None:
    mine, theirs = registry.add_many(
        [replace(VENN, tags=("eu",)), replace(VENN, name="Brisa Tannerfold", tags=("staff",))]
    )
    policy = compiler.compile()
    eu = compiler.policy_sets.of(policy, frozenset({"eu"}))
    assert eu.canaries.by_id.keys() == {mine.id}
    inside = SharePolicies().sharing(eu, frozenset({mine.id, theirs.id}))
    assert inside.sharing == {mine.id}
    assert inside.set_id == eu.set_id
