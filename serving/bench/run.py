"""`lethe bench`: compares stock vLLM with the guarded endpoint on the same machine, as ratios."""

from __future__ import annotations

import asyncio
import math
import random
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from serving.bench.invented import invented_name
from serving.bench.load import Load, Measured, measure, median
from serving.bench.processes import Endpoint, guarded, stock

PHRASES_PER_TARGET = 100
BATCH = 500
"""Targets added in one request."""


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison: the policy in force, and the load."""

    policy: str
    load: Load


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure of one case, with a value per round for the stock and the guarded server."""

    case: Case
    figure: str
    unit: str
    stock: Sequence[float]
    guarded: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of guarded / stock over the rounds: a disturbance of one round affects both sides of it."""
        return median([ours / plain for plain, ours in zip(self.stock, self.guarded, strict=True)])


@dataclass(slots=True)
class Comparison:
    """What has been measured so far, by case and server; complete at any time, also where the run was stopped."""

    measured: dict[Case, tuple[list[Measured], list[Measured]]] = field(default_factory=dict)

    def ratios(self) -> list[Ratio]:
        """Return the ratios of all cases of which a round was measured on both servers."""
        return [row for case, sides in self.measured.items() for row in _ratios(case, *sides)]


FIGURES: tuple[tuple[str, str, Callable[[Measured], float], bool], ...] = (
    ("throughput", "tok/s", lambda m: m.throughput, False),
    ("time to first token p50", "ms", lambda m: 1000 * median(m.first), True),
    ("between tokens p50", "ms", lambda m: 1000 * median(m.between), True),
)


def literals(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Return targets with `count` invented always-on phrases, so that every row runs the automaton."""
    chooser = random.Random(f"{count} {first}")
    phrases = [invented_name(chooser) for _ in range(count)]
    groups = [phrases[i : i + PHRASES_PER_TARGET] for i in range(0, count, PHRASES_PER_TARGET)]
    return [
        {"name": f"bench literals {first} {number}", "kind": "topic", "scope": "always", "phrases": group}
        for number, group in enumerate(groups)
    ]


def people(count: int) -> list[dict[str, Any]]:
    """Return contextual targets: the detector reads every request, and no prompt of the bench touches one."""
    chooser = random.Random(count)
    homes: dict[str, str] = {}
    while len(homes) < count:
        homes[invented_name(chooser)] = invented_name(chooser)
    return [
        {"name": name, "facts": [{"question": f"Where does {name} live?", "answer": f"{name} lives in {place}."}]}
        for name, place in homes.items()
    ]


POLICIES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "0 phrases": lambda: [],
    "100 phrases": lambda: literals(100),
    "10,000 phrases": lambda: literals(10_000),
    "100 contextual targets": lambda: people(100),
    "100,000 phrases": lambda: literals(100_000),
}


def loads(tokens: int) -> tuple[Load, ...]:
    """Return the loads: one-token latency, then throughput and stream times at each concurrency."""
    runs = [Load(1, 40, 1, stream=False)]
    for concurrency in (1, 8, 32):
        runs += [Load(concurrency, max(8, 3 * concurrency), tokens, stream) for stream in (False, True)]
    return tuple(runs)


def short_loads(tokens: int) -> tuple[Load, ...]:
    """Return the loads of a run in limited time, the most important first: each client asks once."""
    return (
        Load(32, 32, tokens, stream=True),
        Load(1, 4, tokens, stream=True),
        Load(8, 8, tokens, stream=True),
        Load(1, 8, 1, stream=False),
        Load(32, 32, tokens, stream=False),
    )


def run(
    comparison: Comparison,
    model: str,
    folder: Path,
    rounds: int,
    tokens: int,
    say: Callable[[str], None],
    minutes: float = 0,
) -> None:
    """Measure every case into `comparison`. Both servers run; one is loaded at a time.

    With `minutes`, which the start of the servers does not count in, each policy has an equal share of what is
    left. Its loads take turns, round by round, until that is used up.
    """
    with stock(model, folder) as plain, guarded(model, folder) as ours:
        names = {endpoint.name: endpoint.model() for endpoint in (plain, ours)}
        say("warming up")
        warm_up((plain, ours), names)
        ends = time.monotonic() + 60 * minutes if minutes else math.inf
        for left, (policy, targets) in zip(range(len(POLICIES), 0, -1), POLICIES.items(), strict=True):
            share = time.monotonic() + (ends - time.monotonic()) / left
            say(f"{policy}: adding them")
            wanted = targets()
            ids = [
                one for first in range(0, len(wanted), BATCH) for one in ours.forget(wanted[first : first + BATCH])
            ]
            for turn in range(rounds):
                for load in short_loads(tokens) if minutes else loads(tokens):
                    if time.monotonic() >= share:
                        break
                    say(f"{policy}, round {turn + 1} of {rounds}, concurrency {load.concurrency}")
                    _measure_round(Case(policy, load), (plain, ours), names, turn, comparison)
            if left > 1:
                ours.remember(ids)


def warm_up(endpoints: tuple[Endpoint, Endpoint], names: dict[str, str]) -> None:
    """Send a first load to both servers, so that they compile and fill their caches."""
    for endpoint in endpoints:
        asyncio.run(measure(endpoint.url, names[endpoint.name], Load(8, 32, 16, stream=True), seed=-1))


def compare(
    case: Case, endpoints: tuple[Endpoint, Endpoint], names: dict[str, str], rounds: int, first: int = 0
) -> Iterator[Ratio]:
    """Yield the ratios of one case, measured alternately on both servers, in `rounds` rounds from `first` on."""
    comparison = Comparison()
    for turn in range(first, first + rounds):
        _measure_round(case, endpoints, names, turn, comparison)
    yield from comparison.ratios()


def _measure_round(
    case: Case, endpoints: tuple[Endpoint, Endpoint], names: dict[str, str], turn: int, comparison: Comparison
) -> None:
    sides = comparison.measured.setdefault(case, ([], []))
    both = list(zip(endpoints, sides, strict=True))
    # Alternating the first server keeps a drift of the machine out of the ratio.
    for endpoint, side in both if turn % 2 == 0 else both[::-1]:
        side.append(asyncio.run(measure(endpoint.url, names[endpoint.name], case.load, _seed(case, turn))))


def _ratios(case: Case, plain: Sequence[Measured], ours: Sequence[Measured]) -> Iterator[Ratio]:
    rounds = min(len(plain), len(ours))
    plain, ours = plain[:rounds], ours[:rounds]
    if not rounds:
        return
    if case.load.tokens == 1:
        value = [[1000 * median(m.total) for m in side] for side in (plain, ours)]
        yield Ratio(case, "one-token latency p50", "ms", *value)
        return
    for figure, unit, of, streamed_only in FIGURES:
        if case.load.stream or not streamed_only:
            yield Ratio(case, figure, unit, [of(m) for m in plain], [of(m) for m in ours])


def _seed(case: Case, turn: int) -> int:
    # Both servers get the same prompts in a round, and each round and case gets new ones.
    return zlib.crc32(f"{case} {turn}".encode())


HEAD = ("policy", "figure", "concurrency", "stream", "stock", "guarded", "guarded / stock")


def table(ratios: list[Ratio]) -> Table:
    """Return the ratios as a table."""
    out = Table(*HEAD)
    for row in ratios:
        out.add_row(*_cells(row))
    return out


def markdown(ratios: list[Ratio]) -> str:
    """Return the ratios as a Markdown table."""
    rows = [HEAD, ("---",) * len(HEAD), *map(_cells, ratios)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(row: Ratio) -> tuple[str, ...]:
    load = row.case.load
    values = (f"{median(side):.1f} {row.unit}" for side in (row.stock, row.guarded))
    stream = "yes" if load.stream else "no"
    return (row.case.policy, row.figure, str(load.concurrency), stream, *values, f"{row.ratio:.3f}")
