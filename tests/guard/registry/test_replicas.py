"""The list of replicas and their leases, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from guard.errors import StoreUnreachable
from guard.registry import lease as leases
from guard.registry.lease import Lease
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from guard.targets.target import Draft

A = Replica(
    id="a",
    name="host-a:8000",
    version=1,
    engine="vLLM",
    runner="v1",
    started_at=datetime(2030, 1, 1, tzinfo=UTC),
    lease_s=40.0,
)
B = replace(A, id="b", name="host-b:8000", started_at=datetime(2030, 1, 2, tzinfo=UTC))


@asynccontextmanager
async def renewing(lease: Lease) -> AsyncIterator[None]:
    task = asyncio.create_task(lease.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def test_replicas_are_listed_with_the_age_of_their_leases(registry: Registry, alter: Callable[..., None]) -> None:
    for one in (B, A):
        registry.replicas.renew(one)
    listed = registry.replicas.list()
    assert [replace(one, age_s=0.0) for one in listed] == [A, B]
    assert all(one.live for one in listed)
    alter("UPDATE replicas SET renewed_at = renewed_at - 41 WHERE id = 'a'")
    lost, live = registry.replicas.list()
    assert (lost.id, lost.live, live.live) == ("a", False, True)
    assert 41 <= lost.age_s < 60


def test_a_lease_is_renewed_with_the_version_that_is_enforced(
    registry: Registry, alter: Callable[..., None]
) -> None:
    registry.replicas.renew(A)
    alter("UPDATE replicas SET renewed_at = renewed_at - 1000")
    registry.replicas.renew(replace(A, version=7))
    (renewed,) = registry.replicas.list()
    assert (renewed.version, renewed.live) == (7, True)


def test_replicas_are_no_change_of_the_policy(registry: Registry) -> None:
    registry.add(Draft(name="Ada Quill"))
    registry.replicas.renew(A)
    registry.replicas.end("a")
    assert (registry.version(), len(registry.events()), registry.replicas.list()) == (1, 1, [])


def test_a_replica_that_was_lost_long_ago_is_forgotten(registry: Registry, alter: Callable[..., None]) -> None:
    registry.replicas.renew(A)
    alter("UPDATE replicas SET renewed_at = renewed_at - 100000")
    registry.replicas.renew(B)
    assert [one.id for one in registry.replicas.list()] == ["b"]


@pytest.mark.anyio
async def test_a_server_is_on_the_list_from_its_first_policy_until_it_stops(registry: Registry) -> None:
    enforced = -1
    lease = Lease(registry.replicas, A, lambda: enforced)
    async with renewing(lease):
        await asyncio.sleep(0.1)
        assert lease.list() == []
        enforced = 3
        lease.notify()
        await until(lambda: [one.version for one in lease.list()] == [3])
        enforced = 4
        lease.notify()
        await until(lambda: [one.version for one in lease.list()] == [4])
    assert lease.list() == []


@pytest.mark.anyio
async def test_a_change_is_waited_for_until_all_live_replicas_enforce_it(
    registry: Registry, alter: Callable[..., None]
) -> None:
    lease = Lease(registry.replicas, A, lambda: 5)
    registry.replicas.renew(A)  # it knows of itself
    assert await lease.behind(5, timeout=0) == []
    registry.replicas.renew(B)
    (behind,) = await lease.behind(5, timeout=0.05)
    assert behind.name == "host-b:8000"
    waiting = asyncio.create_task(lease.behind(5, timeout=20))
    await asyncio.sleep(0.05)
    registry.replicas.renew(replace(B, version=6))
    assert await waiting == []
    alter("UPDATE replicas SET renewed_at = renewed_at - 41, version = 1 WHERE id = 'b'")
    assert await lease.behind(5, timeout=0) == []


@pytest.mark.anyio
async def test_a_lease_goes_on_once_the_registry_can_be_written_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: Replica) -> None:
        raise StoreUnreachable("gone")

    monkeypatch.setattr(leases, "RENEW_PERIOD_S", 0.02)
    monkeypatch.setattr(registry.replicas, "renew", lost)
    lease = Lease(registry.replicas, A, lambda: 1)
    async with renewing(lease):
        await asyncio.sleep(0.1)
        monkeypatch.delattr(registry.replicas, "renew")
        await until(lambda: len(lease.list()) == 1)


@pytest.mark.anyio
async def test_a_server_is_behind_once_another_has_enforced_more_for_a_while(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforced = 5
    registry.replicas.renew(replace(B, version=6))
    lease = Lease(registry.replicas, A, lambda: enforced)
    async with renewing(lease):
        await until(lambda: len(lease.list()) == 2)
        assert not lease.is_behind()
        monkeypatch.setattr(leases, "BEHIND_S", 0.05)
        await until(lease.is_behind)
        # What the other enforces by now is not asked for at once.
        registry.replicas.renew(replace(B, version=7))
        enforced = 6
        assert not lease.is_behind()
        lease.notify()
        await until(lease.is_behind)
        enforced = 7
        assert not lease.is_behind()


@pytest.mark.anyio
async def test_a_server_is_not_behind_one_that_was_lost(
    registry: Registry, alter: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEHIND_S", 0.0)
    registry.replicas.renew(replace(B, version=6))
    alter("UPDATE replicas SET renewed_at = renewed_at - 41")
    lease = Lease(registry.replicas, A, lambda: 5)
    async with renewing(lease):
        await until(lambda: len(lease.list()) == 2)
        assert not lease.is_behind()
