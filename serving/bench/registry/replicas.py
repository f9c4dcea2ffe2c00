"""`lethe bench replicas`: servers on one PostgreSQL database of many targets, their starts and changes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, cast

from guard.registry.database import PostgresUrl
from guard.registry.registry import Registry
from serving.bench.contextual import fill_registry
from serving.bench.processes import Endpoint, guarded
from serving.client.requests import TargetDraft

KINDS = ("contextual", "always")


class Figure(NamedTuple):
    """A measured number, and its goal if it has one."""

    name: str
    value: str
    aim: str = ""


def run(
    model: str, folder: Path, database: str, targets: int, adds: int, servers: int, say: Callable[[str], None]
) -> Iterator[Figure]:
    """Fill an empty database with so many targets, or what an earlier run has left of them; start so many servers
    on it, and add targets at each of them in turn."""
    from guard.detection.embedder import SentenceEmbedder

    say("filling the database")
    registry = Registry(PostgresUrl(database))
    try:
        fill_registry(registry, targets, SentenceEmbedder())
    finally:
        registry.close()
    with ExitStack() as held:
        started: dict[str, Endpoint] = {}
        for number in range(1, servers + 1):
            name = f"server {number}"
            say(f"starting {name}")
            began = time.monotonic()
            server = held.enter_context(guarded(model, folder / name, {"LETHE_DATABASE": database}))
            started[name] = server
            yield Figure(f"start of {name}, to ready", f"{time.monotonic() - began:.0f} s", "60 s")
            yield Figure(f"processor time of {name} and its engine until then", f"{server.processor_s():.0f} s")
        for kind in KINDS:
            say(f"adding {adds} {kind} targets")
            yield from _measure(kind, list(started.values()), adds)
        for name, server in started.items():
            yield Figure(f"memory of {name} and its engine", f"{server.memory() / 2**30:.1f} GiB")


def _measure(kind: str, servers: Sequence[Endpoint], adds: int) -> Iterator[Figure]:
    """Add targets one by one, each until all servers enforce it, and revoke them in the same way."""
    added, took, revoked = [], [], []
    for number in range(adds):
        admin = servers[number % len(servers)].admin
        assert admin is not None
        began = time.perf_counter()
        added.append(admin.add(cast(TargetDraft, _draft(kind, number))).id)
        took.append(time.perf_counter() - began)
    for number, id in enumerate(added):
        admin = servers[number % len(servers)].admin
        assert admin is not None
        began = time.perf_counter()
        admin.revoke(id)
        revoked.append(time.perf_counter() - began)
    yield Figure(f"{kind} target added, enforced on all, p50", _ms(statistics.median(took)))
    yield Figure(f"{kind} target added, enforced on all, p99", _ms(_p99(took)), "100 ms")
    yield Figure(f"{kind} target revoked on all, p50", _ms(statistics.median(revoked)))
    yield Figure(f"{kind} target revoked on all, p99", _ms(_p99(revoked)))


def _draft(kind: str, number: int) -> dict[str, object]:
    name = f"one more {kind} {number} {time.time_ns()}"
    if kind == "always":
        return {"name": name, "kind": "topic", "scope": "always", "phrases": [f"one more code {name}"]}
    fact = {"question": f"Where does {name} live?", "answer": f"{name} lives in Vellmora {number}."}
    return {"name": name, "facts": [fact]}


def _p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(0.99 * len(seconds)))]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def markdown(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = ["| figure | measured | aim |", "| --- | --- | --- |"]
    return "\n".join([*rows, *(f"| {one.name} | {one.value} | {one.aim} |" for one in figures)])
