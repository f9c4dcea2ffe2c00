"""A large change is in force by name at once, and embedded in steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.detection.detector import Detector
from guard.detection.target_texts import MAX_STEP_TEXTS
from guard.policy.compiler import Compiler
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact
from guard.text.conversation import Message
from tests.guard.policy.conftest import CODE, DROSS, LARGE, NOW, VENN, always_on, crowd


def test_a_large_change_is_in_force_by_name_at_once_and_embedded_in_steps(
    registry: Registry, compiler: Compiler, embedder: Any
) -> None:
    empty = compiler.compile()
    added = registry.add_many(crowd(3 * MAX_STEP_TEXTS))
    steps = [compiler.refresh(empty, NOW)]
    assert embedder.embedded == []
    assert steps[0].lookup.names.found("Who is Crowd Person0007?") == {added[7].id}
    while steps[-1].lookup.pending:
        steps.append(compiler.refresh(steps[-1], NOW))
    assert [len(step.lookup.index) for step in steps] == [n * MAX_STEP_TEXTS for n in range(4)]
    assert [step.version for step in steps] == [1] * 4
    assert [step.complete_version for step in steps] == [0, 0, 0, 1]
    assert compiler.refresh(steps[-1], NOW) is steps[-1]


def test_the_detector_touches_a_pending_target_by_its_name(
    registry: Registry, compiler: Compiler, embedder: Any
) -> None:
    empty = compiler.compile()
    added = registry.add_many(crowd(LARGE))
    policy = compiler.refresh(empty, NOW)
    detector = Detector(embedder)
    (match,) = detector.detect(policy.lookup, [Message("user", "Tell me of Crowd Person0003, please.")])
    assert (match.target_id, match.signals.semantic) == (added[3].id, 0)


def test_a_small_change_is_in_force_in_full_before_a_large_one_that_came_earlier(
    registry: Registry, compiler: Compiler
) -> None:
    policy = compiler.compile()
    crowded = registry.add_many(crowd(LARGE))
    policy = compiler.refresh(policy, NOW)
    venn = registry.add(VENN)
    policy = compiler.refresh(policy, NOW)
    assert venn.id in policy.lookup.index
    assert policy.has_applied(2, [venn.id])
    assert not policy.has_applied(2)
    assert not policy.has_applied(1, [target.id for target in crowded])


def test_of_changes_taken_up_together_the_smallest_is_embedded_first(
    registry: Registry, compiler: Compiler
) -> None:
    policy = compiler.compile()
    before = registry.add(VENN)
    registry.add_many(crowd(LARGE))
    after = registry.add(DROSS)
    policy = compiler.refresh(compiler.refresh(policy, NOW), NOW)
    assert {before.id, after.id} <= {id for id in policy.targets if id in policy.lookup.index}
    assert policy.lookup.pending


def test_always_on_phrases_of_a_large_change_are_in_force_in_its_first_step(
    registry: Registry, compiler: Compiler
) -> None:
    policy = compiler.compile()
    registry.add_many([*crowd(LARGE), CODE])
    policy = compiler.refresh(policy, NOW)
    assert policy.lookup.pending
    assert always_on(policy) == {"zx4471q"}


def test_a_target_that_ends_while_it_is_pending_is_gone(registry: Registry, compiler: Compiler) -> None:
    policy = compiler.compile()
    first, *_ = registry.add_many(crowd(LARGE))
    policy = compiler.refresh(policy, NOW)
    registry.revoke(first.id)
    policy = compiler.refresh(policy, NOW)
    assert first.id not in policy.lookup.pending
    assert not policy.lookup.names.found("Crowd Person0000")
    assert policy.has_applied(2, [first.id])
    while policy.lookup.pending:
        policy = compiler.refresh(policy, NOW)
    assert len(policy.lookup.index) == LARGE - 1


def test_a_changed_target_is_found_by_its_earlier_vectors_until_it_is_embedded_again(
    registry: Registry, compiler: Compiler
) -> None:
    venn = registry.add(VENN)
    policy = compiler.compile()
    registry.add_many(crowd(LARGE))
    registry.change(venn.id, Draft(name="Orla Venn", facts=(Fact(answer="She keeps owls."),)), 1)
    policy = compiler.refresh(policy, NOW)
    assert venn.id in policy.lookup.pending
    assert venn.id in policy.lookup.index
    while policy.lookup.pending:
        policy = compiler.refresh(policy, NOW)
    afresh = compiler.compile()
    assert np.array_equal(policy.lookup.index.vectors(venn.id), afresh.lookup.index.vectors(venn.id))
