"""A fleet under load, whose processes are killed at random: nothing that was acknowledged is lost or said.

`make fleet` runs the full size; the variables FLEET_CHANGES and FLEET_KILLS set another.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from guard.text.normalise import fold
from serving.demo.corpus import corpus
from tests.e2e.fleet.ledger import Outcome, leaks, lost, unrecorded
from tests.e2e.fleet.processes import Fleet, fleet
from tests.e2e.fleet.traffic import HEADERS, Question, Traffic

pytestmark = pytest.mark.e2e

CHANGES = int(os.environ.get("FLEET_CHANGES", "30"))
KILLS = int(os.environ.get("FLEET_KILLS", "3"))
CONVERGED_S = 2.0
WAITS = (True, True, True, False)
"""The writers, and whether each waits until a change is applied: that waits for a replica that was killed."""
PACE_S = 1.0
"""The mean pause between two changes, all writers together."""
CLIENTS = 2
KINDS = ("database", "engine", "plane", "database", "plane")
"""What is killed, in a random order: engines less often, as they take longest to start."""


def questions() -> list[Question]:
    """Questions that the demo model answers by heart, each with the longest word of its answer, no word twice."""
    found: dict[str, Question] = {}
    for exchange in corpus().exchanges():
        words = [word.strip(".,;:!?\"'()") for word in exchange.answer.split()]
        word = max((each for each in words if each.isalpha()), key=len, default="")
        if len(word) >= 7 and fold(word) not in fold(exchange.question):
            found.setdefault(fold(word), Question(exchange.question, word))
    return list(found.values())


async def states(client: httpx.AsyncClient, admin: str) -> dict[str, str]:
    found: dict[str, str] = {}
    cursor: str | None = None
    while True:
        params = {"limit": "1000", **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{admin}/admin/v1/targets", params=params)).json()
        found |= {target["id"]: target["state"] for target in page["targets"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def converged_after(client: httpx.AsyncClient, running: Fleet) -> float:
    """Wait until every process is up; return the seconds from then until all replicas enforce the same."""
    await asyncio.gather(*(process.up(client) for process in (*running.engines, *running.planes)))
    began = time.monotonic()
    while time.monotonic() < began + 60:
        lists = [(await client.get(f"{admin}/admin/v1/replicas")).json() for admin in running.admins]
        live = [[one for one in each["replicas"] if one["live"]] for each in lists]
        if all(
            len(each) == 2 and all(one["enforced_version"] == found["version"] for one in each)
            for each, found in zip(live, lists, strict=True)
        ):
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    raise AssertionError(lists)


async def events(client: httpx.AsyncClient, admin: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = 0
    while cursor is not None:
        page = (await client.get(f"{admin}/admin/v1/audit", params={"limit": 1000, "cursor": cursor})).json()
        assert page["first_broken"] is None
        found += page["events"]
        cursor = page["next_cursor"]
    return found


async def run(running: Fleet) -> None:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(headers=HEADERS, timeout=60, trust_env=False, limits=limits) as client:
        await asyncio.gather(*(process.up(client) for process in (*running.engines, *running.planes)))
        await running.balancer.up(client)
        traffic = Traffic(running, questions(), random.Random(7))
        began = time.monotonic()
        is_over = asyncio.Event()

        async def write(waits: bool) -> None:
            while len(traffic.changes) < CHANGES or not killing.done():
                await asyncio.sleep(traffic.chance.uniform(0, 2 * PACE_S * len(WAITS)))
                await traffic.change(client, waits=waits)

        async def converse() -> None:
            while not is_over.is_set():
                await traffic.converse(client)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(converse())
            killing = tasks.create_task(kill(traffic, client))
            await asyncio.gather(killing, *(tasks.create_task(write(waits)) for waits in WAITS))
            seconds = await converged_after(client, running)
            is_over.set()
        report(traffic, seconds, time.monotonic() - began)
        stored = [await states(client, admin) for admin in running.admins]
        trails = [await events(client, admin) for admin in running.admins]
    check(traffic, stored, trails)
    assert seconds <= CONVERGED_S


async def kill(traffic: Traffic, client: httpx.AsyncClient) -> None:
    """Kill processes one after the other, evenly among the changes."""
    kinds = [KINDS[number % len(KINDS)] for number in range(KILLS)]
    traffic.chance.shuffle(kinds)
    for number, what in enumerate(kinds, start=1):
        while len(traffic.changes) < number * CHANGES // (KILLS + 1):
            await asyncio.sleep(0.05)
        await traffic.kill(client, what)


def check(traffic: Traffic, stored: list[dict[str, str]], trails: list[list[dict[str, Any]]]) -> None:
    """Check the answers, and what both replicas list and have recorded, against what was acknowledged."""
    acknowledged = sum(change.outcome is not Outcome.UNKNOWN for change in traffic.changes)
    assert 2 * acknowledged >= len(traffic.changes)
    assert stored[0] == stored[1]
    assert lost(traffic.changes, stored[0]) == []
    assert leaks(traffic.changes, traffic.answers) == []
    assert traffic.disturbed == []
    assert trails[0] == trails[1]
    assert unrecorded(traffic.changes, {(event["action"], event["target_id"]) for event in trails[0]}) == []
    versions = [event["policy_version"] for event in trails[0]]
    assert versions == list(range(1, len(versions) + 1))
    # What was not forbidden was said, so that an answer without a phrase tells something.
    phrases = [fold(question.phrase) for question in traffic.questions]
    assert any(phrase in fold(answer.text) for answer in traffic.answers for phrase in phrases)


def report(traffic: Traffic, converged_s: float, took_s: float) -> None:
    outcomes = Counter(change.outcome.value for change in traffic.changes)
    applied = sorted(
        change.ended - change.begun for change in traffic.changes if change.outcome is Outcome.APPLIED
    )
    print(
        f"\n{len(traffic.changes)} changes {dict(outcomes)}, applied in {spread(applied)}; "
        f"{len(traffic.answers)} answers, {sum(answer.broken for answer in traffic.answers)} broken off, "
        f"{dict(traffic.refusals)} refused; converged in {converged_s:.2f} s; {took_s:.0f} s in all"
    )
    for what in sorted(set(KINDS)):
        away = sorted(outage.ended - outage.begun for outage in traffic.outages if outage.what == what)
        print(f"{what}: killed {len(away)} times, away for {spread(away)}")


def spread(seconds: Sequence[float]) -> str:
    """Return the median and the longest of ascending times."""
    return f"{seconds[len(seconds) // 2]:.2f} s median, {seconds[-1]:.2f} s at most" if seconds else "none"


@pytest.mark.skipif(KILLS > CHANGES, reason="a kill needs a change before it")
def test_nothing_acknowledged_is_lost_or_said_while_processes_are_killed(demo_model: Path, tmp_path: Path) -> None:
    with fleet(demo_model, tmp_path) as running:
        asyncio.run(run(running))
