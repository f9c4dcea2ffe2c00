from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guard.decoding.vocabulary import Vocabulary
from guard.detection.detector import Match, Signals
from guard.matching.automaton import Automaton
from guard.policy.compiler import Compiler
from guard.policy.plan import plan_for
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.soft.bias import Bias
from guard.soft.matching import SoftMatching
from guard.targets.target import Draft, Mode, Scope

VOCABULARY = Vocabulary([b"", b" doctor", b" lawyer"], special=[0], eos=[0])
VENN = Draft(name="Orla Venn", phrases=("doctor", "violin"), soft=True)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DROSS = Draft(name="Pell Dross", phrases=("Mirrow Gate",))


@pytest.fixture
def made(registry: Registry, embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Policy]:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("guard.policy.compiler.SOFT_TIMEOUT_S", 120.0)
    folder = tmp_path / "policy"
    folder.mkdir()
    compiler = Compiler(
        registry, embedder, folder, matching=lambda: SoftMatching(VOCABULARY, embedder, tmp_path / "vectors")
    )

    def policy(*drafts: Draft) -> Policy:
        registry.add_many(drafts)
        return compiler.compile()

    return policy


def of(policy: Policy, name: str) -> Match:
    target = next(target for target in policy.targets.values() if target.draft.name == name)
    return Match(target.id, 1.0, Signals(1.0, 0.0), target.draft.mode)


def test_a_target_that_asks_for_it_has_its_files_when_the_policy_is_in_force(
    made: Callable[..., Policy], tmp_path: Path
) -> None:
    policy = made(VENN, DROSS)
    (soft,) = policy.soft.values()
    bias = Bias.load(tmp_path / "policy", soft.bias)
    assert float("-inf") in dict(zip(bias.tokens.tolist(), bias.values.tolist(), strict=True)).values()
    assert Automaton.attach(tmp_path / "policy", soft.words).matches("a Violin!")


def test_its_plan_has_the_bias_and_the_words_and_no_other_plan_has(made: Callable[..., Policy]) -> None:
    policy = made(VENN, DROSS)
    venn, dross = of(policy, "Orla Venn"), of(policy, "Pell Dross")
    soft = policy.soft[venn.target_id]
    plan = plan_for(policy, [venn, dross])
    assert plan.biases == (soft.bias,)
    assert plan.automata == (policy.contextual[venn.target_id], policy.contextual[dross.target_id], soft.words)
    assert plan_for(policy, [dross]).biases == ()
    assert plan_for(policy, [replace(venn, mode=Mode.SHADOW)]).biases == ()


@pytest.mark.parametrize("draft", [replace(VENN, mode=Mode.SHADOW), replace(VENN, scope=Scope.ALWAYS), DROSS])
def test_nothing_is_embedded_for_targets_without_a_soft_match(
    made: Callable[..., Policy], draft: Draft, tmp_path: Path
) -> None:
    assert len(made(draft).soft) == 0
    assert not (tmp_path / "vectors").exists()


def test_what_an_earlier_process_left_is_removed(made: Callable[..., Policy], tmp_path: Path) -> None:
    old = tmp_path / "policy" / f"{'a' * 64}.bias"
    old.touch()
    os.utime(old, (0, 0))
    made(DROSS)
    assert not old.exists()


def test_no_target_waits_for_a_vocabulary_that_is_being_embedded(
    registry: Registry, embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("guard.policy.compiler.SOFT_TIMEOUT_S", 0.0)
    embedded = threading.Event()

    def matching() -> SoftMatching:
        embedded.wait()
        return SoftMatching(VOCABULARY, embedder, tmp_path / "vectors")

    compiler = Compiler(registry, embedder, tmp_path, matching=matching)
    registry.add_many([VENN, DROSS])
    policy = compiler.refresh(None, NOW)
    venn = of(policy, "Orla Venn")
    assert plan_for(policy, [venn]).automata == (policy.contextual[venn.target_id],)
    assert plan_for(policy, [venn]).biases == ()
    assert compiler.refresh(policy, NOW) is policy
    embedded.set()
    while not policy.soft:
        time.sleep(0.01)
        policy = compiler.refresh(policy, NOW)
    assert plan_for(policy, [venn]).biases == (policy.soft[venn.target_id].bias,)
    assert compiler.refresh(policy, NOW) is policy
