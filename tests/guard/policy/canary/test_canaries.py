from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guard.matching.automaton_store import AutomatonStore
from guard.policy.canary.canaries import Overlay
from guard.policy.canary.share import Conversation
from guard.policy.compiler import Compiler
from guard.policy.policy import Policy
from guard.policy.watch import WatchAction
from guard.registry.registry import Registry
from guard.targets.target import Draft, Mode, Scope
from tests.guard.conftest import WordEmbedder

VENN = Draft(name="Orla Quarnwick", phrases=("cellar smelting rites",), mode=Mode.SHADOW, canary=0.5)
CODE = Draft(name="gate code", phrases=("zx-4471-q",), scope=Scope.ALWAYS, mode=Mode.SHADOW, canary=0.5)
PLAIN = Draft(name="Pell Drosswell", mode=Mode.SHADOW)


def said(policy: Policy, target_id: str, text: str) -> bool:
    layers = policy.canaries.by_id[target_id].layers
    return any(policy.automata[layer.digest].matches(text) for layer in layers)


def test_only_targets_with_a_share_are_compiled_as_if_they_were_enforced(
    registry: Registry, compiler: Compiler
) -> None:
    venn, code, _ = registry.add_many([VENN, CODE, PLAIN])
    policy = compiler.compile()
    assert policy.canaries.by_id.keys() == {venn.id, code.id}
    assert said(policy, venn.id, "By Orla Quarnwick")
    assert said(policy, code.id, "It is zx-4471-q.")
    assert not said(policy, venn.id, "By Pell Drosswell")
    assert policy.canaries.by_id[venn.id].target.draft.mode is Mode.ENFORCE
    assert policy.targets[venn.id].draft.mode is Mode.SHADOW
    assert policy.always.digests == policy.watch.digests == ()


def test_what_is_restricted_in_the_share_is_ready_before_anybody_asks(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = compiler.compile()
    venn = registry.add(VENN)
    policy = compiler.compile(policy)

    def refused(*_: object) -> str:
        raise AssertionError("compiled while a request waits")

    monkeypatch.setattr(AutomatonStore, "write", refused)
    assert policy.automata[policy.contextual[venn.id]].matches("cellar smelting rites")


def test_another_share_compiles_no_more_than_another_mode(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = registry.add(replace(VENN, canary=None))
    registry.add_many([replace(PLAIN, name=f"Crowd Person{n:03d}") for n in range(50)])
    policy = compiler.compile()
    written: list[int] = []
    write = AutomatonStore.write

    def counted(store: AutomatonStore, phrases: frozenset[str], *more: object) -> str:
        written.append(len(phrases))
        return write(store, phrases, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(AutomatonStore, "write", counted)
    policy = compiler.compile(policy)

    def phrases_written(draft: Draft) -> int:
        nonlocal policy
        written.clear()
        registry.change(target.id, draft, registry.get(target.id).revision)
        policy = compiler.compile(policy)
        return sum(written)

    enforcing = phrases_written(replace(VENN, canary=None, mode=Mode.ENFORCE))
    shadowing = phrases_written(replace(VENN, canary=None))
    sharing = phrases_written(VENN)
    assert phrases_written(replace(VENN, canary=0.2)) <= sharing <= enforcing + shadowing


def test_a_share_ends_with_its_target_and_with_its_promotion(registry: Registry, compiler: Compiler) -> None:
    venn, code = registry.add_many([VENN, CODE])
    policy = compiler.compile()
    registry.revoke(code.id)
    registry.change(venn.id, replace(VENN, mode=Mode.ENFORCE, canary=None), 1)
    policy = compiler.compile(policy)
    assert policy.canaries.by_id == {}
    assert policy.canaries.sharing(Conversation()) == frozenset()
    assert policy.watch.digests


def test_the_files_of_a_share_are_kept(registry: Registry, compiler: Compiler) -> None:
    registry.add_many([VENN, CODE])
    policy = compiler.compile()
    assert policy.canaries.files <= policy.files
    assert len(policy.canaries.files) == 2


def test_nothing_is_looked_for_where_nothing_is_watched(
    registry: Registry, embedder: WordEmbedder, tmp_path: Path
) -> None:
    venn = registry.add(VENN)
    (tmp_path / "unwatched").mkdir()
    unwatched = Compiler(registry, embedder, tmp_path / "unwatched", watch_action=WatchAction.OFF)
    assert unwatched.compile().canaries.by_id[venn.id].layers == ()


def test_servers_of_one_registry_decide_alike_and_those_of_another_do_not(
    registry: Registry, compiler: Compiler
) -> None:
    venn = registry.add(VENN)
    policy, again = compiler.compile(), compiler.compile()
    told = [Conversation("", f"Question {n}?") for n in range(64)]
    sides = [venn.id in policy.canaries.sharing(one) for one in told]
    assert sides == [venn.id in again.canaries.sharing(one) for one in told]
    assert {True, False} == set(sides)
    other = replace(policy.canaries, key=b"another key")
    assert sides != [venn.id in other.sharing(one) for one in told]


def test_an_overlay_has_the_keys_of_what_it_lies_over() -> None:
    overlay = Overlay({"a": 1, "b": 2}, {"b": 3})
    assert dict(overlay) == {"a": 1, "b": 3}
    assert (len(overlay), "b" in overlay, "c" in overlay) == (2, True, False)
    with pytest.raises(KeyError):
        overlay["c"]
