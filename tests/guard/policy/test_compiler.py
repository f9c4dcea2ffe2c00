from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import threading
import time
from collections.abc import AsyncIterator
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
from guard.policy.current import Applier, CurrentPolicy
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, Kind, Method, Mode, Scope
from guard.text.conversation import Message
from guard.variants.variant import Variants

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VENN = Draft(
    name="Orla Venn",
    aliases=("The Heron",),
    facts=(Fact(question="Where was she born?", answer="In Tarn Hollow."), Fact(answer="She keeps bees.")),
    passages=("The tide came in.",),
)
DROSS = Draft(name="Pell Dross", phrases=("Mirrow Gate",))
CODE = Draft(name="gate code", phrases=("zx-4471-q",), scope=Scope.ALWAYS)
KEY = Draft(name="door key", phrases=("kk-9982-w",), scope=Scope.ALWAYS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "policy"


def files(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.automaton")}


def automata(policy: Policy) -> set[str]:
    return {*policy.always.digests, *policy.watch.digests, *policy.contextual.values()}


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


def always_on(policy: Policy) -> set[str]:
    text = "zx4471q, kk9982w, Pell Dross, Mirrow Gate and Tarn Hollow"
    found = (match for digest in policy.always.digests for match in policy.automata[digest].matches(text))
    return {text[match.start : match.end] for match in found}


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


def crowd(count: int, first: int = 0, **members: Any) -> list[Draft]:
    return [Draft(name=f"Crowd Person{n:04d}", **members) for n in range(first, first + count)]


LARGE = MAX_STEP_TEXTS + 1


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


def test_the_detector_touches_a_pending_target_by_its_name(registry: Registry, compiler: Compiler) -> None:
    empty = compiler.compile()
    added = registry.add_many(crowd(LARGE))
    policy = compiler.refresh(empty, NOW)
    detector = Detector(compiler._embedder)
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


@contextlib.asynccontextmanager
async def applying(compiler: Compiler, current: CurrentPolicy, poll: float = 60.0) -> AsyncIterator[Applier]:
    applier = Applier(compiler, current, poll)
    task = asyncio.create_task(applier.run())
    try:
        yield applier
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_change_is_in_force_once_waited_for(registry: Registry, compiler: Compiler) -> None:
    current = CurrentPolicy()
    async with applying(compiler, current) as applier:
        assert await applier.wait(0, timeout=5)
        venn = registry.add(VENN)
        applier.notify()
        assert await applier.wait(registry.version(), timeout=5)
        assert current.healthy
        assert venn.id in current.required().targets


async def test_every_policy_that_comes_into_force_is_announced_once(
    registry: Registry, compiler: Compiler
) -> None:
    current, seen = CurrentPolicy(), list[int]()
    applier = Applier(compiler, current, 0.01, applied=lambda: seen.append(current.required().version))
    task = asyncio.create_task(applier.run())
    assert await applier.wait(0, timeout=5)
    registry.add(VENN)
    assert await applier.wait(1, timeout=5)
    await asyncio.sleep(0.05)
    task.cancel()
    assert seen == [0, 1]


async def test_an_urgent_target_is_in_force_while_a_large_change_is_embedded(
    registry: Registry, compiler: Compiler, embedder: Any
) -> None:
    current, gate, embed, calls = CurrentPolicy(), threading.Event(), embedder.embed, itertools.count()

    def only_once(texts: list[str]) -> Any:
        assert next(calls) == 0 or gate.wait(20)
        return embed(texts)

    async with applying(compiler, current) as applier:
        assert await applier.wait(0, timeout=5)
        embedder.embed = only_once
        registry.add_many(crowd(4 * MAX_STEP_TEXTS))
        venn = registry.add(VENN)
        applier.notify()
        assert await applier.wait(2, 5, [venn.id])
        assert not await applier.wait(2, 0.01)
        gate.set()
        assert await applier.wait(2, 5)


async def test_waiting_for_a_version_that_does_not_come_says_so(compiler: Compiler) -> None:
    async with applying(compiler, CurrentPolicy()) as applier:
        assert not await applier.wait(99, timeout=0.01)


async def test_a_change_by_another_process_is_seen_without_notice(registry: Registry, compiler: Compiler) -> None:
    async with applying(compiler, CurrentPolicy(), poll=0.01) as applier:
        assert await applier.wait(0, timeout=5)
        registry.add(VENN)
        assert await applier.wait(registry.version(), timeout=5)


async def test_a_burst_of_changes_compiles_a_few_times(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, versions = threading.Event(), []
    compile_now = compiler.compile

    def slow(previous: Policy | None = None) -> Policy:
        policy = compile_now(previous)
        gate.wait(5)
        versions.append(policy.version)
        return policy

    monkeypatch.setattr(compiler, "compile", slow)
    async with applying(compiler, CurrentPolicy()) as applier:

        def add(number: int) -> int:
            registry.add(Draft(name=f"Person {number} of many"))
            applier.notify()
            return registry.version()

        added = await asyncio.gather(*(asyncio.to_thread(add, number) for number in range(50)))
        gate.set()
        assert all([await applier.wait(version, timeout=5) for version in added])
    assert versions[-1] == 50
    assert len(versions) <= 3


async def test_a_failure_keeps_the_old_policy_and_turns_health_red_until_it_is_overcome(
    registry: Registry, compiler: Compiler, embedder: Any, caplog: pytest.LogCaptureFixture
) -> None:
    embed, current = embedder.embed, CurrentPolicy()

    def unable(_texts: object) -> None:
        raise ModelUnavailable("no model")

    async with applying(compiler, current, poll=0.01) as applier:
        assert await applier.wait(0, timeout=5)
        embedder.embed = unable
        registry.add(VENN)
        with caplog.at_level(logging.WARNING):
            while current.healthy:
                await asyncio.sleep(0.005)
        assert not await applier.wait(registry.version(), timeout=0.01)
        assert (current.healthy, current.failure, current.required().version) == (False, "ModelUnavailable", 0)
        assert "ModelUnavailable" in caplog.text
        assert "Venn" not in caplog.text
        embedder.embed = embed
        applier.notify()
        assert await applier.wait(registry.version(), timeout=5)
        assert current.healthy


async def test_pauses_grow_while_failures_last(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []

    def failing(*_: object) -> Policy:
        tries.append(time.monotonic())
        raise ModelUnavailable("no model")

    monkeypatch.setattr(compiler, "refresh", failing)
    async with applying(compiler, CurrentPolicy(), poll=0.01):
        while len(tries) < 4:
            await asyncio.sleep(0.005)
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert all(pause >= least for pause, least in zip(pauses, [0.02, 0.04, 0.08], strict=False))


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
    registry: Registry, compiler: Compiler
) -> None:
    listed = (Pattern(kind=PatternKind.IBAN, value="*"), Pattern(kind=PatternKind.REGEX, value=r"KX-\d{4}"))
    accounts = registry.add_many([Draft(name="accounts", kind=Kind.TOPIC, patterns=listed), VENN])[0]
    policy = compiler.compile()
    detector = Detector(compiler._embedder)

    def touched(text: str) -> set[str]:
        return {match.target_id for match in detector.detect(policy.lookup, [Message("user", text)])}

    assert accounts.id in touched("Whose is DE89 3704 0044 0532 0130 00?")
    assert accounts.id in touched("Whose is kx-4471?")
    assert accounts.id not in touched("Whose is DE88 3704 0044 0532 0130 00?")
    registry.revoke(accounts.id)
    policy = compiler.compile(policy)
    assert policy.lookup.classes == {}
    assert accounts.id not in touched("Whose is DE89 3704 0044 0532 0130 00?")
