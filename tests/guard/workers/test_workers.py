"""The server counts a version as loaded once every live worker of its engine says so."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from guard.workers import workers as servers
from guard.workers.acknowledgement import FOLDER_NAME, Acknowledgement, mark_of, of_this_process, write
from guard.workers.workers import ANY, Workers

pytestmark = pytest.mark.anyio

A = replace(of_this_process(SimpleNamespace(instance_id="e1")), id="a", version=3)
B = replace(A, id="b", engine="e2")


@asynccontextmanager
async def watching(workers: Workers) -> AsyncIterator[None]:
    task = asyncio.create_task(workers.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def polled(workers: Workers) -> list[Acknowledgement]:
    workers._live = sorted(workers.poll(), key=lambda worker: worker.id)
    return workers.live


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    found = Workers(tmp_path, lambda: 3)
    assert polled(found) == []
    return found


def test_without_a_worker_no_version_is_lacked_and_nothing_is_answered(workers: Workers) -> None:
    assert workers.version == ANY
    assert workers.unready() == "no engine worker has loaded the policy"


def test_a_version_is_loaded_once_all_workers_say_so(workers: Workers, tmp_path: Path) -> None:
    write(tmp_path, A)
    write(tmp_path, replace(B, version=2))
    assert [one.id for one in polled(workers)] == ["a", "b"]
    assert workers.version == 2
    write(tmp_path, B)
    polled(workers)
    assert (workers.version, workers.unready()) == (3, "")


def test_a_file_that_a_dead_worker_left_counts_once_it_changes(tmp_path: Path) -> None:
    """A server that starts cannot know how old it is: clocks of file systems differ."""
    write(tmp_path, A)
    workers = Workers(tmp_path, lambda: 3)
    assert polled(workers) == polled(workers) == []
    write(tmp_path, A)
    assert polled(workers) == [A]


def test_a_worker_that_fell_silent_is_lost_and_its_file_is_removed_later(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = replace(A, place="another host")
    write(tmp_path, elsewhere)
    assert polled(workers) == [elsewhere]
    monkeypatch.setattr(servers, "SILENT_S", -1.0)
    assert polled(workers) == []
    assert (tmp_path / FOLDER_NAME / "a.json").exists()
    monkeypatch.setattr(servers, "KEPT_S", -1.0)
    polled(workers)
    assert not (tmp_path / FOLDER_NAME / "a.json").exists()
    assert polled(workers) == []


def test_a_worker_whose_process_ended_on_this_host_is_lost_at_once(workers: Workers, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        write(tmp_path, replace(A, pid=process.pid))
        assert len(polled(workers)) == 1
        process.kill()
    assert polled(workers) == []
    write(tmp_path, replace(A, pid=process.pid, place="another host"))
    assert len(polled(workers)) == 1


def test_a_worker_that_was_killed_is_lost_even_if_nobody_asked_after_it(workers: Workers, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        write(tmp_path, replace(A, pid=process.pid))
        assert len(polled(workers)) == 1
        process.kill()
        ends = time.monotonic() + 20
        while polled(workers) and time.monotonic() < ends:
            time.sleep(0.01)
        assert process.returncode is None
        assert polled(workers) == []


def test_an_engine_that_lacks_a_rank_is_not_relied_on(workers: Workers, tmp_path: Path) -> None:
    ranks = [replace(A, id=str(rank), rank=rank, first=2, ranks=4) for rank in range(4)]
    for one in ranks[:3]:
        write(tmp_path, one)
    polled(workers)
    assert workers.unready() == "a worker of the engine is lost"
    write(tmp_path, ranks[3])
    polled(workers)
    assert workers.unready() == ""
    # A stage that does not sample may be silent.
    (tmp_path / FOLDER_NAME / "0.json").unlink()
    polled(workers)
    assert workers.unready() == ""


def test_a_worker_that_cannot_load_the_policy_makes_the_server_unready(workers: Workers, tmp_path: Path) -> None:
    write(tmp_path, A)
    write(tmp_path, replace(B, version=2, failure="PolicyUnavailable"))
    polled(workers)
    assert workers.unready() == "an engine worker cannot load the policy"


def test_what_another_version_of_lethe_wrote_is_no_worker(workers: Workers, tmp_path: Path) -> None:
    (tmp_path / FOLDER_NAME).mkdir()
    for name, content in {"x.json": b"{}", "y.json": b"\xff", "z.json": b'{"id": "z", "colour": 1}'}.items():
        (tmp_path / FOLDER_NAME / name).write_bytes(content)
    assert polled(workers) == []


async def test_a_change_waits_for_the_workers(tmp_path: Path) -> None:
    required = 3
    workers = Workers(tmp_path, lambda: required)
    changes: list[int] = []
    workers.changed = lambda: changes.append(workers.version)
    async with watching(workers):
        await asyncio.sleep(0.05)
        assert await workers.acknowledged(3, timeout=0.05)
        write(tmp_path, A)
        await until(lambda: workers.version == 3)
        required = 4
        workers.notify()
        assert not await workers.acknowledged(4, timeout=0.05)
        waiting = asyncio.create_task(workers.acknowledged(4, timeout=20))
        await asyncio.sleep(0.02)
        began = time.monotonic()
        write(tmp_path, replace(A, version=4))
        assert await waiting
        assert time.monotonic() - began < 10
        assert changes == [3, 4]


async def test_a_worker_that_stays_behind_makes_the_server_unready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    required = 3
    workers = Workers(tmp_path, lambda: required)
    async with watching(workers):
        await asyncio.sleep(0.05)
        write(tmp_path, A)
        await until(lambda: not workers.unready())
        required = 4
        assert workers.unready() == ""
        monkeypatch.setattr(servers, "BEHIND_S", 0.02)
        await until(lambda: workers.unready() == "an engine worker enforces an earlier policy")
        write(tmp_path, replace(A, version=4))
        await until(lambda: not workers.unready())


def asked_by(workers: Workers, address: str, *digests: str) -> None:
    names = workers.test_of(address)
    for digest in digests:
        names(digest)


ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
async def pooled(workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    """Two engines, each of which was tested at an address of its own."""
    monkeypatch.setattr(servers, "BEHIND_S", 0.02)
    asked_by(workers, "http://a", ONE)
    asked_by(workers, "http://b", TWO)
    async with watching(workers):
        write(tmp_path, replace(A, asked=(mark_of(ONE),)))
        write(tmp_path, replace(B, asked=("0" * 16, mark_of(TWO))))
        await until(lambda: len(workers.live) == 2)
        yield workers


async def test_a_worker_that_is_late_takes_out_its_own_engine_alone(pooled: Workers, tmp_path: Path) -> None:
    assert (pooled.unready(), pooled.unready_at("http://a"), pooled.unready_at("http://b")) == ("", "", "")
    write(tmp_path, replace(B, version=2))
    await until(lambda: pooled.unready_at("http://b") == "an engine worker enforces an earlier policy")
    assert (pooled.unready(), pooled.unready_at("http://a")) == ("", "")
    # Only engines that answer are waited for.
    assert pooled.version == 3
    assert await pooled.acknowledged(3, 5)
    write(tmp_path, B)
    await until(lambda: pooled.unready_at("http://b") == "")


async def test_a_late_worker_is_waited_for_until_its_engine_is_taken_out(
    pooled: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "BEHIND_S", 60.0)
    write(tmp_path, replace(B, version=2))
    await until(lambda: pooled.version == 2)
    assert not await pooled.acknowledged(3, 0.05)
    assert pooled.unready_at("http://b") == ""


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"failure": "PolicyUnavailable"}, "an engine worker cannot load the policy"),
        ({"ranks": 2}, "a worker of the engine is lost"),
    ],
)
async def test_a_worker_that_fails_or_lacks_another_takes_out_its_own_engine_alone(
    state: dict[str, object], reason: str, pooled: Workers, tmp_path: Path
) -> None:
    write(tmp_path, replace(A, **state))  # type: ignore[arg-type]
    await until(lambda: pooled.unready_at("http://a") == reason)
    assert (pooled.unready(), pooled.unready_at("http://b")) == ("", "")


async def test_an_engine_whose_workers_are_all_gone_is_out(pooled: Workers, tmp_path: Path) -> None:
    (tmp_path / FOLDER_NAME / "b.json").unlink()
    await until(lambda: pooled.unready_at("http://b") == servers.NO_WORKER)
    assert (pooled.unready(), pooled.unready_at("http://a")) == ("", "")


async def test_where_all_engines_are_out_the_server_is_not_ready(pooled: Workers, tmp_path: Path) -> None:
    for worker in (A, B):
        write(tmp_path, replace(worker, version=2))
    await until(lambda: pooled.unready() == "an engine worker enforces an earlier policy")
    assert pooled.version == 2


async def test_a_worker_that_no_test_has_reached_counts_for_all(pooled: Workers, tmp_path: Path) -> None:
    write(tmp_path, replace(A, id="c", engine="e3", version=1))
    await until(lambda: pooled.unready() == "an engine worker enforces an earlier policy")
    # Once the test of a third address has reached it, it counts for that one.
    asked_by(pooled, "http://c", "3" * 64)
    write(tmp_path, replace(A, id="c", engine="e3", version=1, asked=(mark_of("3" * 64),)))
    await until(lambda: pooled.unready() == "")
    await until(lambda: pooled.unready_at("http://c") != "")


async def test_an_engine_that_is_tested_again_may_have_other_workers(pooled: Workers, tmp_path: Path) -> None:
    (tmp_path / FOLDER_NAME / "b.json").unlink()
    await until(lambda: pooled.unready_at("http://b") != "")
    asked_by(pooled, "http://b", "4" * 64)
    assert pooled.unready_at("http://b") == ""
    write(tmp_path, replace(B, id="b2", engine="e9", asked=(mark_of("4" * 64),)))
    await until(lambda: len(pooled.live) == 2)
    assert (pooled.unready(), pooled.unready_at("http://b")) == ("", "")


def test_an_acknowledgement_of_anything_else_than_marks_is_none(workers: Workers, tmp_path: Path) -> None:
    for asked in (["x" * 17], [5], ["a"] * 100, 7):
        write(tmp_path, replace(A, asked=asked))  # type: ignore[arg-type]
        assert polled(workers) == []
