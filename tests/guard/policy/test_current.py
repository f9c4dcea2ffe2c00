"""A registry that cannot be reached: answers go on for as long as is allowed, and then no longer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from guard.errors import PolicyUnavailable, StoreUnavailable, StoreUnreachable
from guard.policy.compiler import Compiler
from guard.policy.current import Applier, CurrentPolicy
from guard.policy.folder.enforced_version import RegistryRolledBack
from guard.registry.registry import Registry
from guard.targets.target import Draft

pytestmark = pytest.mark.anyio
POLL_S = 0.01
CODE = Draft(name="gate code")


@asynccontextmanager
async def applying(compiler: Compiler, current: CurrentPolicy) -> AsyncIterator[Applier]:
    applier = Applier(compiler, current, POLL_S)
    task = asyncio.create_task(applier.run())
    try:
        assert await applier.wait(0, timeout=10)
        yield applier
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(POLL_S)


def raising(error: Exception) -> Callable[..., object]:
    def raised(*_: object) -> object:
        raise error

    return raised


@pytest.fixture
def unreachable(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def lost() -> None:
        for name in ("expire", "version", "changes"):
            monkeypatch.setattr(registry, name, raising(StoreUnreachable("gone")))

    return lost


async def test_the_policy_stays_in_force_while_its_staleness_is_allowed(
    registry: Registry, compiler: Compiler, unreachable: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(CODE)
    current = CurrentPolicy(max_staleness_s=60)
    async with applying(compiler, current) as applier:
        unreachable()
        await asyncio.sleep(10 * POLL_S)
        assert current.healthy
        assert len(current.required().targets) == 1
        monkeypatch.undo()
        registry.add(Draft(name="door key"))
        assert await applier.wait(2, timeout=10)


async def test_a_policy_that_is_staler_than_allowed_is_not_used_until_the_registry_is_read_again(
    compiler: Compiler, unreachable: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    current = CurrentPolicy(max_staleness_s=1)
    async with applying(compiler, current):
        await asyncio.sleep(10 * POLL_S)
        assert current.healthy
        unreachable()
        await until(lambda: current.stale)
        assert not current.healthy
        with pytest.raises(PolicyUnavailable, match="cannot be reached"):
            current.required()
        monkeypatch.undo()
        await until(lambda: current.healthy)
        current.required()


async def test_a_registry_whose_changes_cannot_be_read_is_not_taken_for_one_that_is_read(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = CurrentPolicy(max_staleness_s=1)
    async with applying(compiler, current):
        monkeypatch.setattr(registry, "changes", raising(StoreUnreachable("too slow")))
        registry.add(CODE)
        await until(lambda: current.stale)


async def test_a_registry_that_is_damaged_is_a_failure_at_once(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = CurrentPolicy(max_staleness_s=60)
    async with applying(compiler, current):
        monkeypatch.setattr(registry, "version", raising(StoreUnavailable("damaged")))
        await until(lambda: current.failure == "StoreUnavailable")
        assert not current.healthy


async def test_a_registry_that_cannot_be_written_is_followed(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = CurrentPolicy(max_staleness_s=60)
    async with applying(compiler, current) as applier:
        for name in ("expire", "keep_vectors"):
            monkeypatch.setattr(registry, name, raising(StoreUnreachable("read-only")))
        registry.add(CODE)
        assert await applier.wait(1, timeout=10)
        assert current.healthy


async def test_a_registry_that_went_back_is_refused(
    registry: Registry, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(CODE)
    policy = compiler.compile()
    monkeypatch.setattr(registry, "changes", lambda since: (0, []))
    with pytest.raises(RegistryRolledBack, match="from version 1 to 0"):
        compiler.compile(policy)


async def test_a_policy_is_applied_while_all_other_threads_of_the_process_are_busy(
    registry: Registry, compiler: Compiler
) -> None:
    goes_on = threading.Event()
    busy = [asyncio.get_running_loop().run_in_executor(None, goes_on.wait, 20) for _ in range(64)]
    try:
        async with applying(compiler, CurrentPolicy()) as applier:
            registry.add(CODE)
            assert await applier.wait(1, timeout=10)
    finally:
        goes_on.set()
        await asyncio.gather(*busy)
