"""Loads a server at a share of its capacity, changes a target every second, and looks at its processes."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import NamedTuple, cast

import httpx

from serving.bench.invented import invented_name
from serving.bench.load import Load, measure, prompts, stream_times
from serving.bench.processes import Endpoint
from serving.bench.run import literals, people
from serving.bench.soak.footprint import Footprint, footprints
from serving.client.requests import TargetDraft

SHARE = 0.6
"""Of the requests a second that the server answers at most while targets change, how many it gets."""
CHANGE_PERIOD_S = 1.0
LOOK_PERIOD_S = 10.0
SETTLED = 100
"""Contextual targets, and phrases that hold in every answer, that stay in force."""
CHANGING = 50
"""Targets that changes add before they revoke the oldest one for each new one."""
MAX_IN_FLIGHT = 256
"""Requests at a time: those due beyond are left out, and counted."""
CAPACITY_CLIENTS = (32, 128)
"""Clients at a time by which the capacity is measured: the least counts. With more of them fewer are answered, so
that a load near that of few would never be caught up with again, once it has piled up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the load lasts, after measuring the capacity for as many requests as there are."""

    seconds: float
    tokens: int
    requests: int = 768


class Answered(NamedTuple):
    """A request, asked for `minutes` after the beginning, and the seconds to its first token and to its end."""

    minutes: float
    first: float
    total: float


@dataclass(slots=True)
class Soak:
    """What was measured so far: `rate` is of requests a second."""

    rate: float = 0.0
    answered: list[Answered] = field(default_factory=list)
    seen: list[Footprint] = field(default_factory=list)
    applied: list[tuple[float, float]] = field(default_factory=list)
    """Of each change, the minute and the seconds until it was enforced."""
    left_out: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By the class of the error, or the status of the answer."""


def run(soak: Soak, server: Endpoint, plan: Plan, say: Callable[[str], None]) -> None:
    """Fill `soak`, so that what was measured until an interrupt is there."""
    model = server.model()
    if server.admin is not None:
        server.forget([*literals(SETTLED), *people(SETTLED)])
    say("measuring the capacity")
    loads = [Load(clients, plan.requests, plan.tokens, stream=True) for clients in CAPACITY_CLIENTS]
    asyncio.run(measure(server.url, model, Load(4, 16, plan.tokens, stream=True), 1))
    drafts, ids = _drafts(), deque[str]()
    with _changing(Soak(), server, drafts, ids):
        walls = [asyncio.run(measure(server.url, model, load, seed)).wall for seed, load in enumerate(loads, 2)]
        soak.rate = SHARE * plan.requests / max(walls)
    with _changing(soak, server, drafts, ids):
        asyncio.run(_load(soak, server, model, plan, say))


async def _load(soak: Soak, server: Endpoint, model: str, plan: Plan, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    ends = began + plan.seconds
    limits = httpx.Limits(max_connections=MAX_IN_FLIGHT)
    async with httpx.AsyncClient(base_url=server.url, timeout=120, limits=limits, trust_env=False) as client:
        parts = [
            _ask(soak, client, model, plan.tokens, began, ends),
            asyncio.to_thread(_look, soak, server.pid, began, ends, say),
        ]
        await asyncio.gather(*parts)


async def _ask(soak: Soak, client: httpx.AsyncClient, model: str, tokens: int, began: float, ends: float) -> None:
    """Send requests at random moments, `soak.rate` a second in the mean, whether others are answered or not."""
    chance = random.Random(3)
    due = time.monotonic()
    waiting: set[asyncio.Task[None]] = set()
    for prompt in prompts(3):
        due += chance.expovariate(soak.rate)
        if due >= ends:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        if len(waiting) >= MAX_IN_FLIGHT:
            soak.left_out += 1
            continue
        task = asyncio.create_task(_request(soak, client, model, prompt, tokens, began))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)


async def _request(
    soak: Soak, client: httpx.AsyncClient, model: str, prompt: str, tokens: int, began: float
) -> None:
    sent = time.perf_counter()
    minutes = (time.monotonic() - began) / 60
    times: list[float] = []
    try:
        await stream_times(client, model, prompt, tokens, times)
    except httpx.HTTPStatusError as error:
        soak.failed[str(error.response.status_code)] += 1
    except httpx.HTTPError as error:
        soak.failed[type(error).__name__] += 1
    else:
        first = times[0] if times else time.perf_counter()
        soak.answered.append(Answered(minutes, first - sent, time.perf_counter() - sent))


@contextmanager
def _changing(
    soak: Soak, server: Endpoint, drafts: Iterator[Mapping[str, object]], ids: deque[str]
) -> Iterator[None]:
    """Change the targets `ids` meanwhile, in a thread; of stock vLLM nothing."""
    if server.admin is None:
        yield
        return
    ended = Event()
    with ThreadPoolExecutor(1, "changes") as thread:
        changing = thread.submit(_change, soak, server, drafts, ids, ended)
        try:
            yield
        finally:
            ended.set()
    changing.result()


def _change(
    soak: Soak, server: Endpoint, drafts: Iterator[Mapping[str, object]], ids: deque[str], ended: Event
) -> None:
    """Add a target each second, once there are CHANGING one in one second and revoke the oldest in the next."""
    assert server.admin is not None
    began = time.monotonic()
    for due in itertools.count(began, CHANGE_PERIOD_S):
        if ended.wait(max(0.0, due - time.monotonic())):
            return
        sent = time.monotonic()
        if len(ids) < CHANGING:
            ids.append(server.admin.add(cast(TargetDraft, next(drafts))).id)
        else:
            server.admin.revoke(ids.popleft())
        soak.applied.append(((sent - began) / 60, time.monotonic() - sent))


def _drafts() -> Iterator[Mapping[str, object]]:
    """Yield targets of both scopes without end, no two alike."""
    chance = random.Random(4)
    for number in itertools.count():
        name, place = f"{invented_name(chance)} {number}", invented_name(chance)
        if number % 2:
            yield {"name": name, "scope": "always", "phrases": [f"{place} {number}"]}
        else:
            fact = {"question": f"Where does {name} live?", "answer": f"{name} lives in {place}."}
            yield {"name": name, "facts": [fact]}


def _look(soak: Soak, pid: int, began: float, ends: float, say: Callable[[str], None]) -> None:
    for due in itertools.count(began, LOOK_PERIOD_S):
        if due > ends:
            return
        time.sleep(max(0.0, due - time.monotonic()))
        soak.seen += footprints(pid, (time.monotonic() - began) / 60)
        say(f"{(due - began) / 60:.1f} minutes, {len(soak.answered):,} answers, {len(soak.applied):,} changes")


def windows(points: Sequence[tuple[float, float]], length: float) -> list[tuple[float, list[float]]]:
    """Return the values, ascending, of each window of `length` minutes, with the minute at which it begins."""
    found: dict[int, list[float]] = {}
    for minutes, value in points:
        found.setdefault(int(minutes / length), []).append(value)
    return [(length * number, sorted(values)) for number, values in sorted(found.items())]
