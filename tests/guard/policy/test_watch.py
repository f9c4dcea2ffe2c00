from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from guard.matching.scanner import Scanner
from guard.policy.compiler import Compiler
from guard.policy.layers import MAX_LATEST_PHRASES
from guard.policy.policy import Policy
from guard.policy.watch import WatchAction
from guard.registry.registry import Registry
from guard.targets.target import Draft, Kind, Mode, Scope

PolicyOf = Callable[..., Policy]
VENN = Draft(name="Orla Quarnwick", phrases=("cellar smelting rites",))
DROSS = Draft(name="Pell Drosswell")


def said(policy: Policy, text: str) -> set[str]:
    automata = [policy.automata[digest] for digest in policy.watch.digests]
    return {policy.targets[id].draft.name for id in policy.watch.said(text, automata)}


def test_an_answer_touches_the_targets_whose_names_or_phrases_it_says(policy_of: PolicyOf) -> None:
    policy = policy_of(VENN, DROSS)
    assert policy.watch_action is WatchAction.ANSWER
    assert said(policy, "By ORLA QUARNWICK and Drosswell, Pell.") == {"Orla Quarnwick", "Pell Drosswell"}
    assert said(policy, "On Cellar Smelting Rites.") == {"Orla Quarnwick"}
    assert said(policy, "By Orla Venn and Pell Quarnwick.") == set()


def test_only_enforced_contextual_targets_with_names_that_are_forbidden_are_watched(policy_of: PolicyOf) -> None:
    policy = policy_of(
        Draft(name="Orla Quarnwick", scope=Scope.ALWAYS),
        Draft(name="Pell Drosswell", mode=Mode.SHADOW),
        Draft(name="Quarnish cellar smelting", kind=Kind.TOPIC),
    )
    assert policy.watch.digests == ()
    assert len(policy.shadow_watch.digests) == 1


def test_what_a_conversation_supplies_of_a_target_is_not_watched_and_others_are(policy_of: PolicyOf) -> None:
    policy = policy_of(VENN, DROSS)
    (venn,) = (id for id, target in policy.targets.items() if target.draft.name == "Orla Quarnwick")
    whole = [policy.automata[digest] for digest in policy.watch.digests]
    (automaton,) = policy.watch.without({venn}, whole)
    assert automaton.matches("Orla Quarnwick") == []
    assert automaton.matches("Pell Drosswell") != []
    for text in ("Orla Quarnwick", "by Orla Quarnwick. Then", "Orla Quarnwic"):
        scanner = Scanner([automaton])
        assert scanner.feed(text) + scanner.finish() == text
    scanner = Scanner([automaton])
    assert scanner.feed("Orla Quarnwick and Pell Drosswell.") + scanner.finish() == "Orla Quarnwick and "
    (nothing,) = policy.watch.without(policy.targets.keys(), whole)
    assert nothing.matches("Orla Quarnwick, Pell Drosswell") == []


def test_a_namesake_may_be_named_and_phrases_stay_watched(policy_of: PolicyOf) -> None:
    policy = policy_of(replace(VENN, distinguish=("the rower",)), DROSS)
    venn = [target for target in policy.targets.values() if target.draft.name == "Orla Quarnwick"]
    whole = [policy.automata[digest] for digest in policy.watch.digests]
    (automaton,) = policy.watch.without_names(venn, whole)
    assert automaton.matches("Orla Quarnwick") == automaton.matches("Quarnwick, Orla") == []
    assert automaton.matches("cellar smelting rites") != []
    assert automaton.matches("Pell Drosswell") != []


def test_a_name_that_another_target_has_too_stays_watched(policy_of: PolicyOf) -> None:
    policy = policy_of(
        replace(VENN, distinguish=("the rower",)), Draft(name="Abel Finchley", aliases=("Orla Quarnwick",))
    )
    venn = [target for target in policy.targets.values() if target.draft.distinguish]
    whole = [policy.automata[digest] for digest in policy.watch.digests]
    (automaton,) = policy.watch.without_names(venn, whole)
    assert automaton.matches("Orla Quarnwick") != []


def test_what_comes_later_is_compiled_alone_until_it_is_much(registry: Registry, compiler: Compiler) -> None:
    registry.add_many([VENN, DROSS])
    first = policy = compiler.compile()
    compiled_alone = []
    for number in range(MAX_LATEST_PHRASES // 2 + 1):
        registry.add(Draft(name=f"Abel Finch{'aeiou'[number % 5]}ley {number}"))
        policy = compiler.compile(policy)
        names = [target.draft.name for target in policy.targets.values()]
        assert said(policy, " and ".join(names)) == set(names)
        compiled_alone.append(policy.watch.layers.fresh is first.watch.layers.fresh)
    assert all(compiled_alone[:20])
    assert not compiled_alone[-1]


def test_who_ends_is_no_longer_looked_for_in_whichever_automaton(registry: Registry, compiler: Compiler) -> None:
    venn, _ = registry.add_many([VENN, DROSS])
    policy = compiler.compile()
    abel = registry.add(Draft(name="Abel Finchley"))
    policy = compiler.compile(policy)
    everyone = "Orla Quarnwick, Pell Drosswell and Abel Finchley"
    assert len(policy.watch.digests) == 2
    assert said(policy, everyone) == {"Orla Quarnwick", "Pell Drosswell", "Abel Finchley"}
    registry.revoke(venn.id)
    policy = compiler.compile(policy)
    assert said(policy, everyone) == {"Pell Drosswell", "Abel Finchley"}
    registry.revoke(abel.id)
    policy = compiler.compile(policy)
    assert said(policy, everyone) == {"Pell Drosswell"}
