"""The list of replicas and their leases, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from guard.errors import StoreUnreachable
from guard.registry import lease as leases
from guard.registry.lease import Lease
from guard.registry.registry import Registry
from guard.registry.replicas import Replica, Replicas
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
        registry.replicas.enter(one)
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
    registry.replicas.enter(A)
    alter("UPDATE replicas SET renewed_at = renewed_at - 39")
    assert registry.replicas.renew(replace(A, version=7))
    (renewed,) = registry.replicas.list()
    assert (renewed.version, renewed.live, renewed.age_s < 20) == (7, True, True)


def test_a_lease_that_has_ended_or_was_never_begun_is_not_renewed(
    registry: Registry, alter: Callable[..., None]
) -> None:
    """Changes did not wait for that server: it comes on the list again, and learns what was changed meanwhile."""
    assert not registry.replicas.renew(A)
    assert registry.replicas.list() == []
    assert registry.replicas.enter(A) == 0
    alter("UPDATE replicas SET renewed_at = renewed_at - 41")
    assert not registry.replicas.renew(A)
    registry.add(Draft(name="Ada Quill"))
    assert registry.replicas.enter(A) == 1
    assert registry.replicas.renew(A)
    assert [(one.id, one.live) for one in registry.replicas.list()] == [("a", True)]


def test_replicas_are_no_change_of_the_policy(registry: Registry) -> None:
    registry.add(Draft(name="Ada Quill"))
    registry.replicas.enter(A)
    registry.replicas.renew(A)
    registry.replicas.end("a")
    assert (registry.version(), len(registry.events()), registry.replicas.list()) == (1, 1, [])


def test_a_replica_that_was_lost_long_ago_is_forgotten(registry: Registry, alter: Callable[..., None]) -> None:
    registry.replicas.enter(A)
    alter("UPDATE replicas SET renewed_at = renewed_at - 100000")
    registry.replicas.enter(B)
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
    registry.replicas.enter(A)  # it knows of itself
    assert await lease.behind(5, timeout=0) == []
    registry.replicas.enter(B)
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
    def lost(_: Replica) -> int:
        raise StoreUnreachable("gone")

    monkeypatch.setattr(leases, "RETRY_PERIOD_S", 0.02)
    monkeypatch.setattr(registry.replicas, "enter", lost)
    lease = Lease(registry.replicas, A, lambda: 1)
    async with renewing(lease):
        await asyncio.sleep(0.1)
        monkeypatch.delattr(registry.replicas, "enter")
        await until(lambda: len(lease.list()) == 1)


@pytest.mark.anyio
async def test_a_server_is_behind_once_another_has_enforced_more_for_a_while(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforced = 5
    registry.replicas.enter(replace(B, version=6))
    lease = Lease(registry.replicas, A, lambda: enforced)

    def is_behind() -> bool:
        return lease.unready() == "other servers enforce a later policy"

    async with renewing(lease):
        await until(lambda: len(lease.list()) == 2)
        await until(lambda: not lease.unready())
        monkeypatch.setattr(leases, "BEHIND_S", 0.05)
        await until(is_behind)
        # What the other enforces by now is not asked for at once.
        registry.replicas.renew(replace(B, version=7))
        enforced = 6
        assert not lease.unready()
        lease.notify()
        await until(is_behind)
        enforced = 7
        assert not lease.unready()


@pytest.mark.anyio
async def test_a_server_is_not_behind_one_that_was_lost(
    registry: Registry, alter: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEHIND_S", 0.0)
    registry.replicas.enter(replace(B, version=6))
    alter("UPDATE replicas SET renewed_at = renewed_at - 41")
    lease = Lease(registry.replicas, A, lambda: 5)
    async with renewing(lease):
        await until(lambda: len(lease.list()) == 2)
        await until(lambda: not lease.unready())


@pytest.mark.anyio
async def test_a_server_answers_once_it_is_on_the_list_and_enforces_what_was_changed_before(
    registry: Registry,
) -> None:
    """Who waited for a change before did not wait for this server."""
    enforced = 0
    registry.add(Draft(name="Ada Quill"))
    lease = Lease(registry.replicas, A, lambda: enforced)
    assert lease.unready() == "this server is not on the list of replicas"
    async with renewing(lease):
        await until(lambda: lease.unready() == "other servers enforce a later policy")
        enforced = 1
        assert lease.unready() == ""
    assert lease.unready() == "this server is not on the list of replicas"


@pytest.mark.anyio
async def test_a_server_answers_nothing_long_before_others_take_it_for_lost(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(_: Replica) -> bool:
        raise StoreUnreachable("gone")

    monkeypatch.setattr(leases, "RENEW_PERIOD_S", 0.02)
    monkeypatch.setattr(leases, "RETRY_PERIOD_S", 0.02)
    lease = Lease(registry.replicas, replace(A, lease_s=leases.LEASE_MARGIN_S + 1.0), lambda: 1)
    async with renewing(lease):
        await until(lambda: not lease.unready())
        monkeypatch.setattr(registry.replicas, "renew", lost)
        await until(lambda: lease.unready() == "this server is not on the list of replicas")
        (own,) = lease.list()
        assert own.live
        monkeypatch.delattr(registry.replicas, "renew")
        await until(lambda: not lease.unready())


@pytest.mark.anyio
async def test_a_lease_is_renewed_well_before_the_server_may_no_longer_answer(registry: Registry) -> None:
    lease = Lease(registry.replicas, replace(A, lease_s=leases.LEASE_MARGIN_S + 1.5), lambda: 1)
    async with renewing(lease):
        await until(lambda: not lease.unready())
        first = lease._ends
        await until(lambda: lease._ends > first)
        assert lease.unready() == ""


@pytest.mark.anyio
async def test_a_server_that_is_alone_answers_without_a_lease(registry: Registry) -> None:
    assert Lease(registry.replicas, A, lambda: 1, shared=False).unready() == ""


@pytest.mark.anyio
async def test_a_server_that_is_alone_waits_for_no_entry_of_an_earlier_one(registry: Registry) -> None:
    registry.replicas.enter(B)
    assert await Lease(registry.replicas, A, lambda: 5, shared=False).behind(5, timeout=0) == []
    assert await Lease(registry.replicas, A, lambda: 5).behind(5, timeout=0) != []


@pytest.mark.anyio
async def test_a_renewal_on_its_way_does_not_put_a_server_that_stops_on_the_list_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every change would wait for a server that is no more, until its lease ends."""
    begun, goes_on = threading.Event(), threading.Event()
    enter = registry.replicas.enter

    def slow(replica: Replica) -> int:
        begun.set()
        assert goes_on.wait(20)
        return enter(replica)

    monkeypatch.setattr(registry.replicas, "enter", slow)
    lease = Lease(registry.replicas, A, lambda: 1)
    task = asyncio.create_task(lease.run())
    await until(begun.is_set)
    task.cancel()
    await asyncio.sleep(0.05)
    goes_on.set()
    await asyncio.gather(task, return_exceptions=True)
    assert lease.list() == []


@pytest.mark.anyio
async def test_what_a_killed_process_left_on_the_list_is_removed_when_its_server_starts_again(
    registry: Registry,
) -> None:
    registry.replicas.enter(A)
    waiting = Lease(registry.replicas, B, lambda: 5)
    assert [one.id for one in await waiting.behind(5, timeout=0)] == ["a"]
    async with renewing(Lease(registry.replicas, A, lambda: -1)):
        assert await waiting.behind(5, timeout=20) == []


@pytest.mark.anyio
async def test_changes_that_wait_together_read_the_list_together(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.replicas.enter(B)
    lease, reads = Lease(registry.replicas, A, lambda: 5), 0

    def counted() -> list[Replica]:
        nonlocal reads
        reads += 1
        time.sleep(0.02)
        return Replicas.list(registry.replicas)

    monkeypatch.setattr(registry.replicas, "list", counted)
    found = await asyncio.gather(*(lease.behind(5, timeout=0) for _ in range(50)))
    assert [len(behind) for behind in found] == [1] * 50
    assert reads <= 2


@pytest.mark.anyio
async def test_a_renewal_waits_for_no_change(registry: Registry, url: str) -> None:
    """A change that takes long, or whose process was cut off, must not make live servers look lost."""
    if url.startswith("sqlite"):
        pytest.skip("one server alone writes a SQLite file")
    registry.replicas.enter(A)
    with registry._database.writing():
        assert await asyncio.wait_for(asyncio.to_thread(registry.replicas.renew, A), 5)
