"""`lethe bench resident`: the cost of 10^5 and 10^6 always-on phrases, and the time until one more is enforced."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from serving.bench.load import Load, stream_times
from serving.bench.processes import Endpoint, guarded, stock
from serving.bench.run import Case, Ratio, compare, literals, warm_up

AIMS = {100_000: "0.97", 1_000_000: "0.95"}
BATCH = 500
STREAMS = 4
POLL_S = 5.0
MAX_POLLS = 24
# A pause of a stream within this time after an addition is attributed to it.
AFTERMATH_S = 0.1
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and its goal, if it has one."""

    name: str
    value: float
    unit: str
    aim: str = ""


@dataclass(frozen=True, slots=True)
class Resident:
    """The measurements with `phrases` phrases in force."""

    phrases: int
    ratios: Sequence[Ratio]
    figures: Sequence[Figure]


def run(
    model: str, folder: Path, rounds: int, tokens: int, adds: int, say: Callable[[str], None]
) -> Iterator[Resident]:
    """Yield the measurements without phrases, then with each size. Both servers run; one is loaded at a time."""
    with stock(model, folder) as plain, guarded(model, folder) as ours:
        names = {endpoint.name: endpoint.model() for endpoint in (plain, ours)}
        warm_up((plain, ours), names)
        yield Resident(0, _throughput(0, (plain, ours), names, rounds, tokens, say), ())
        empty, added = ours.memory(), 0
        for size in AIMS:
            say(f"adding {size - added:,} phrases")
            for first in range(added, size, BATCH * 100):
                ours.forget(literals(min(size - first, BATCH * 100), first))
            added = size
            settled = settled_memory(ours)
            figures = [Figure("memory per 100,000 phrases", (settled - empty) / MIB / (size / 1e5), "MiB", "100")]
            ratios = _throughput(size, (plain, ours), names, rounds, tokens, say)
            say(f"{size:,} phrases, adding {adds} targets")
            figures += asyncio.run(_measure_additions(ours, names[ours.name], adds, size))
            yield Resident(size, ratios, figures)


def settled_memory(ours: Endpoint) -> int:
    """Return the memory once automata are no longer merged in the background: it stays the same for two polls."""
    used = ours.memory()
    for _ in range(MAX_POLLS):
        time.sleep(POLL_S)
        before, used = used, ours.memory()
        if abs(used - before) < MIB:
            break
    return used


def _throughput(
    size: int,
    endpoints: tuple[Endpoint, Endpoint],
    names: dict[str, str],
    rounds: int,
    tokens: int,
    say: Callable[[str], None],
) -> list[Ratio]:
    say(f"{size:,} phrases, concurrency 32")
    case = Case(f"{size:,} phrases", Load(32, 192, tokens, stream=False))
    return list(compare(case, endpoints, names, rounds))


async def _measure_additions(ours: Endpoint, model: str, adds: int, seed: int) -> list[Figure]:
    """Add targets one by one to an idle server, then while streams run; then measure streams for the same time
    without additions."""
    url = ours.url

    async def add(name: str, spans: list[tuple[float, float]]) -> None:
        for number in range(adds):
            began = time.perf_counter()
            target = {"name": f"{name} {seed} {number}", "kind": "topic", "scope": "always"}
            await asyncio.to_thread(ours.forget, [target | {"phrases": [f"{name} code {seed} {number}"]}])
            spans.append((began, time.perf_counter()))
            await asyncio.sleep(AFTERMATH_S)

    alone: list[tuple[float, float]] = []
    spans: list[tuple[float, float]] = []
    await add("one more", alone)
    busy = await _stream_during(url, model, add("another", spans))
    quiet = await _stream_during(url, model, asyncio.sleep(spans[-1][1] - spans[0][0]))
    start = quiet[0][0]
    idle = [(start + began - spans[0][0], start + ended - spans[0][0]) for began, ended in spans]
    took, took_alone = (sorted(1000 * (ended - began) for began, ended in each) for each in (spans, alone))
    with_adding, without = _longest(busy, spans), _longest(quiet, idle)
    return [
        Figure("one target more, enforced, no other load, p50", statistics.median(took_alone), "ms"),
        Figure("one target more, enforced, no other load, p99", percentile(took_alone, 0.99), "ms", "50"),
        Figure(f"the same beside {STREAMS} streams, p50", statistics.median(took), "ms"),
        Figure(f"the same beside {STREAMS} streams, p99", percentile(took, 0.99), "ms", "50"),
        Figure("longest pause of a stream meanwhile, p50", statistics.median(with_adding), "ms"),
        Figure("the same without adding, p50", statistics.median(without), "ms"),
        Figure("longest pause of a stream meanwhile, p99", percentile(with_adding, 0.99), "ms"),
        Figure("the same without adding, p99", percentile(without, 0.99), "ms"),
    ]


async def _stream_during(url: str, model: str, work: object) -> list[list[float]]:
    """Return the token times of streams that run until `work` is done."""
    streams: list[list[float]] = []
    async with httpx.AsyncClient(base_url=url, timeout=300, trust_env=False) as client:

        async def keep() -> None:
            for number in itertools.count():
                times: list[float] = []
                streams.append(times)
                await stream_times(client, model, f"stream {number} {id(times)}", 256, times)

        tasks = [asyncio.create_task(keep()) for _ in range(STREAMS)]
        try:
            await work  # type: ignore[misc]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return [times for times in streams if len(times) > 1]


def _longest(streams: Sequence[Sequence[float]], spans: Sequence[tuple[float, float]]) -> list[float]:
    """Return the longest pause, in ms, between two tokens of any stream during and shortly after each span."""
    pauses = [(a, b) for times in streams for a, b in itertools.pairwise(times)]
    return sorted(
        1000 * max((b - a for a, b in pauses if a < ended + AFTERMATH_S and b > began), default=0.0)
        for began, ended in spans
    )


def percentile(ascending: Sequence[float], share: float) -> float:
    """Return the value that so large a share of ascending values does not exceed."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def markdown(measured: Sequence[Resident]) -> str:
    """Return the figures as a Markdown table."""
    rows = ["| phrases | figure | measured | aim |", "| --- | --- | --- | --- |"]
    for one in measured:
        aim = AIMS.get(one.phrases, "")
        rows += [
            f"| {one.phrases:,} | {row.figure} at 32, guarded / stock | {row.ratio:.3f} | {aim} |"
            for row in one.ratios
        ]
        rows += [f"| {one.phrases:,} | {f.name} | {f.value:.1f} {f.unit} | {f.aim} |" for f in one.figures]
    return "\n".join(rows)
