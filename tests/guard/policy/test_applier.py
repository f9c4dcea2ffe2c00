"""The applier brings each stored change into force, and says when it has."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from guard.detection.target_texts import MAX_STEP_TEXTS
from guard.errors import ModelUnavailable
from guard.policy.compiler import Compiler
from guard.policy.current import Applier, CurrentPolicy
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.targets.target import Draft
from tests.guard.policy.conftest import VENN, crowd


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
