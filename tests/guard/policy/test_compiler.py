"""The policy that follows from a registry: its targets, automata and files."""

from __future__ import annotations

import itertools
import os
import weakref
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from guard.detection.detector import Detector
from guard.detection.target_texts import MAX_STEP_TEXTS
from guard.errors import ModelUnavailable, PolicyUnavailable
from guard.matching.automaton import Automaton
from guard.matching.live_automata import Live, LiveAutomata
from guard.patterns.pattern import Pattern, PatternKind
from guard.policy.compiler import Compiler
from guard.policy.current import CurrentPolicy
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, Kind, Method, Mode, Scope
from guard.text.conversation import Message
from guard.variants.variant import Variants
from tests.guard.policy.conftest import CODE, DROSS, KEY, NOW, VENN, always_on, automata, crowd, files


def test_an_empty_registry_makes_an_empty_policy(compiler: Compiler) -> None:
    policy = compiler.compile()
    assert (policy.version, policy.targets, policy.always.digests, dict(policy.contextual)) == (0, {}, (), {})
    assert not policy.lookup.has_contextual


def test_a_policy_has_the_version_and_the_active_targets_of_the_registry(
    registry: Registry, compiler: Compiler
) -> None:
    kept, revoked = registry.add_many([VENN, DROSS])
    registry.revoke(revoked.id)
    policy = compiler.compile()
    assert policy.version == registry.version()
    assert policy.targets == {kept.id: kept}


def test_all_always_on_phrases_share_one_automaton(registry: Registry, compiler: Compiler) -> None:
    registry.add_many([CODE, KEY, VENN])
    policy = compiler.compile()
    (digest,) = policy.always.digests
    assert len(policy.automata[digest].matches("zx4471q and kk9982w and Tarn Hollow")) == 2


def test_what_stands_in_the_facts_of_many_targets_is_always_on_for_none(
    registry: Registry, compiler: Compiler
) -> None:
    names = ("Orla Venn", "Pell Dross", "Ida Moll", "Tam Quorne", "Una Kilvert")
    works = (Fact(answer="She works at the Fennimore Museum."),)
    others = registry.add_many([Draft(name=name, facts=works) for name in names])
    fact_of = Draft(name="Hedda Orrelbeck", facts=works, scope=Scope.ALWAYS)
    registry.add(fact_of)
    policy = compiler.compile()
    (digest,) = policy.always.digests
    assert not policy.automata[digest].matches("the Fennimore Museum")
    assert policy.automata[digest].matches("Hedda Orrelbeck")
    assert policy.automata[policy.contextual[others[0].id]].matches("the Fennimore Museum")
    registry.revoke(others[0].id)
    (digest,) = compiler.compile(policy).always.digests
    assert compiler.compile(policy).automata[digest].matches("the Fennimore Museum")


def test_each_contextual_target_has_an_automaton_of_its_own(registry: Registry, compiler: Compiler) -> None:
    venn, dross = registry.add_many([VENN, DROSS])
    policy = compiler.compile()
    assert policy.automata[policy.contextual[venn.id]].matches("Tarn Hollow")
    assert not policy.automata[policy.contextual[dross.id]].matches("Tarn Hollow")


def test_what_is_not_enforced_by_guard_has_no_automaton(registry: Registry, compiler: Compiler) -> None:
    registry.add_many(
        [
            Draft(name="Orla Venn", mode=Mode.SHADOW),
            Draft(name="Pell Dross", methods=(Method.DECLINE,)),
            Draft(name="Ida Moll", mode=Mode.SHADOW, phrases=("zx-4471-q",), scope=Scope.ALWAYS),
            Draft(name="a topic without phrases", exceptions=("a topic without phrases",)),
        ]
    )
    policy = compiler.compile()
    assert (policy.always.digests, dict(policy.contextual)) == ((), {})
    assert len(policy.lookup.index) == 3


def test_automata_are_files_that_the_engine_can_attach(
    registry: Registry, compiler: Compiler, folder: Path
) -> None:
    registry.add_many([VENN, CODE])
    policy = compiler.compile()
    assert automata(policy) == files(folder)
    for digest in automata(policy):
        assert Automaton.attach(folder, digest).digest == digest


def test_only_what_is_new_is_embedded_and_compiled(registry: Registry, compiler: Compiler, embedder: Any) -> None:
    registry.add_many([VENN, CODE])
    first = compiler.compile()
    embedder.embedded.clear()
    registry.add(DROSS)
    second = compiler.compile(first)
    assert embedder.embedded == ["pell dross"]
    assert automata(first) - {*first.watch.digests} < automata(second)
    assert first.watch.digests != second.watch.digests


def test_the_automaton_of_a_target_is_compiled_when_it_is_new_or_first_touched(
    registry: Registry, compiler: Compiler, folder: Path
) -> None:
    venn = registry.add(VENN)
    policy = compiler.compile()
    assert files(folder) == set(policy.watch.digests)
    digest = policy.contextual[venn.id]
    assert files(folder) == {digest, *policy.watch.digests}
    dross = registry.add(DROSS)
    second = compiler.compile(policy)
    assert files(folder) == {digest, *policy.watch.digests, *second.watch.digests, second.contextual[dross.id]}


def test_nothing_of_an_ended_target_stays_mapped_but_for_those_who_use_it(
    registry: Registry, compiler: Compiler
) -> None:
    ended, kept = registry.add_many([VENN, DROSS])
    policy = compiler.compile()
    used = policy.automata[policy.contextual[ended.id]]
    other = weakref.ref(policy.automata[policy.contextual[kept.id]])
    registry.revoke(ended.id)
    after = compiler.compile(policy)
    gone = weakref.ref(used)
    assert used.matches("Tarn Hollow")
    del used
    assert gone() is None
    assert other() is after.automata[after.contextual[kept.id]]


def test_a_policy_that_follows_another_is_the_one_compiled_from_scratch(
    registry: Registry, compiler: Compiler
) -> None:
    venn, dross, _code = registry.add_many([VENN, DROSS, CODE])
    policy = compiler.compile()
    changes = [
        lambda: registry.change(venn.id, Draft(name="Orla Venn", phrases=("Nettle Row",)), 1),
        lambda: registry.add(KEY),
        lambda: registry.change(dross.id, Draft(name="Pell Dross", scope=Scope.ALWAYS), 1),
        lambda: registry.revoke(venn.id),
    ]
    for change in changes:
        change()
        policy, afresh = compiler.compile(policy), compiler.compile()
        assert (policy.version, policy.targets, dict(policy.contextual)) == (
            afresh.version,
            afresh.targets,
            dict(afresh.contextual),
        )
        assert always_on(policy) == always_on(afresh)
        assert {t for t in policy.targets if t in policy.lookup.index} == {
            t for t in afresh.targets if t in afresh.lookup.index
        }
        text = "Orla Venn, Pell Dross, the gate code and the heron"
        assert policy.lookup.names.found(text) == afresh.lookup.names.found(text)


def test_an_earlier_policy_is_untouched_by_the_next(registry: Registry, compiler: Compiler, folder: Path) -> None:
    venn = registry.add(VENN)
    first = compiler.compile()
    registry.revoke(venn.id)
    second = compiler.compile(first)
    assert venn.id in first.lookup.index
    assert venn.id not in second.lookup.index
    assert first.lookup.names.found("orla venn") == {venn.id}
    assert first.automata[first.contextual[venn.id]].matches("Tarn Hollow")
    assert dict(second.contextual) == {}


def test_a_start_embeds_everything_and_what_an_interrupted_one_embedded_is_kept(
    registry: Registry, compiler: Compiler, embedder: Any, folder: Path
) -> None:
    registry.add_many(crowd(2 * MAX_STEP_TEXTS))
    embed, calls = embedder.embed, itertools.count()

    def interrupted(texts: list[str]) -> Any:
        if next(calls) == 1:
            raise ModelUnavailable("no model")
        return embed(texts)

    embedder.embed = interrupted
    with pytest.raises(ModelUnavailable):
        compiler.compile()
    assert not Compiler(registry, embedder, folder).compile().lookup.pending
    assert len(embedder.embedded) == 2 * MAX_STEP_TEXTS


def test_vectors_survive_a_restart(registry: Registry, compiler: Compiler, embedder: Any, folder: Path) -> None:
    venn = registry.add(VENN)
    before = compiler.compile()
    embedder.embedded.clear()
    registry.add(DROSS)
    after = Compiler(registry, embedder, folder).compile()
    assert embedder.embedded == ["pell dross"]
    assert np.array_equal(after.lookup.index.vectors(venn.id), before.lookup.index.vectors(venn.id))


def test_vectors_of_another_embedder_are_never_used(
    registry: Registry, compiler: Compiler, embedder: Any, folder: Path
) -> None:
    registry.add(DROSS)
    compiler.compile()
    embedder.embedded.clear()
    embedder.name = "other words"
    Compiler(registry, embedder, folder).compile()
    assert embedder.embedded == ["pell dross"]


def test_a_start_removes_what_earlier_processes_left_and_nothing_of_today(
    registry: Registry, compiler: Compiler, folder: Path
) -> None:
    registry.add(CODE)
    left, canary = Automaton.compile(["left"]), Automaton.compile(["canary"])
    os.utime(left.save(folder), (0, 0))
    canary.save(folder)
    policy = compiler.compile()
    assert files(folder) == {canary.digest, *policy.always.digests}


def test_a_later_compilation_removes_nothing(registry: Registry, compiler: Compiler, folder: Path) -> None:
    first = compiler.compile()
    left = Automaton.compile(["left"])
    os.utime(left.save(folder), (0, 0))
    registry.add(VENN)
    compiler.compile(first)
    assert left.digest in files(folder)


def test_a_damaged_file_is_written_again(
    registry: Registry, compiler: Compiler, embedder: Any, folder: Path
) -> None:
    registry.add(CODE)
    (digest,) = compiler.compile().always.digests
    (folder / f"{digest}.automaton").unlink()
    (folder / f"{digest}.automaton").write_bytes(b"damaged")
    Compiler(registry, embedder, folder).compile()
    assert Automaton.attach(folder, digest).matches("zx-4471-q")


def test_what_holds_in_every_answer_is_published_to_running_ones(
    registry: Registry, compiler: Compiler, folder: Path
) -> None:
    live = LiveAutomata(folder)
    policy = compiler.compile()
    assert live.poll() is None
    registry.add(CODE)
    policy = compiler.compile(policy)
    assert live.poll() == Live(policy.always.digests)
    registry.add(VENN)
    compiler.compile(policy)
    assert live.poll() is None


def test_refreshing_returns_the_same_policy_while_nothing_changes(registry: Registry, compiler: Compiler) -> None:
    registry.add(VENN)
    policy = compiler.compile()
    assert compiler.refresh(policy, datetime.now(UTC)) is policy


def test_refreshing_takes_up_what_was_promoted_or_retired_for_a_target_that_asks_for_it(
    registry: Registry, embedder: Any, folder: Path
) -> None:
    promoted: dict[str, str] = {}
    folder.mkdir()
    compiler = Compiler(registry, embedder, folder, SimpleNamespace(by_target=lambda: promoted))  # type: ignore[arg-type]
    asks, other = registry.add_many([replace(VENN, methods=(Method.GUARD, Method.ULD)), DROSS])
    before = compiler.compile()
    promoted |= {asks.id: "a" * 64, other.id: "b" * 64}
    after = compiler.refresh(before, NOW)
    assert (before.assistants, after.assistants) == ({}, {asks.id: "a" * 64})
    assert (after.version, after.contextual) == (before.version, before.contextual)
    assert compiler.refresh(after, NOW) is after
    assert compiler.compile(after).assistants == after.assistants
    promoted.clear()
    assert compiler.refresh(after, NOW).assistants == {}


def test_refreshing_ends_targets_that_are_due(registry: Registry, compiler: Compiler) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    registry.add(Draft(name="Orla Venn", expires_at=due))
    policy = compiler.compile()
    assert compiler.refresh(policy, due - timedelta(seconds=1)) is policy
    assert compiler.refresh(policy, due).targets == {}


def test_before_the_first_policy_nothing_can_be_served() -> None:
    current = CurrentPolicy()
    assert not current.healthy
    with pytest.raises(PolicyUnavailable):
        current.required()


def test_variants_are_enforced_with_the_phrases(registry: Registry, compiler: Compiler, folder: Path) -> None:
    stored = registry.add(Draft(name="Joan Miller"))
    digest = compiler.compile().contextual[stored.id]
    assert Automaton.attach(folder, digest).matches("MILLER, Joan")


def test_the_detector_knows_a_name_in_other_cases(registry: Registry, compiler: Compiler) -> None:
    stored = registry.add(Draft(name="Anna Zielińska"))
    unwanted = registry.add(Draft(name="Olga Bielińska", variants=Variants.NONE))
    names = compiler.compile().lookup.names
    assert names.found("Co wiesz o Annie Zielińskiej?") == {stored.id}
    assert unwanted.id not in names.found("o Oldze Bielińskiej")


def test_a_request_that_holds_a_value_of_a_class_touches_its_target(
    registry: Registry, compiler: Compiler, embedder: Any
) -> None:
    listed = (Pattern(kind=PatternKind.IBAN, value="*"), Pattern(kind=PatternKind.REGEX, value=r"KX-\d{4}"))
    accounts = registry.add_many([Draft(name="accounts", kind=Kind.TOPIC, patterns=listed), VENN])[0]
    policy = compiler.compile()
    detector = Detector(embedder)

    def touched(text: str) -> set[str]:
        return {match.target_id for match in detector.detect(policy.lookup, [Message("user", text)])}

    assert accounts.id in touched("Whose is DE89 3704 0044 0532 0130 00?")
    assert accounts.id in touched("Whose is kx-4471?")
    assert accounts.id not in touched("Whose is DE88 3704 0044 0532 0130 00?")
    registry.revoke(accounts.id)
    policy = compiler.compile(policy)
    assert policy.lookup.classes == {}
    assert accounts.id not in touched("Whose is DE89 3704 0044 0532 0130 00?")
