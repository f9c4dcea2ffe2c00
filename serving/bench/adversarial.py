"""`lethe bench adversarial`: whether hostile requests, imports or a start keep the others from being answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from serving.bench.load import WORDS, Load, measure
from serving.bench.processes import Endpoint, guarded
from serving.bench.run import people
from serving.client.requests import TargetDraft

LAG_AIM = "50"
TARGETS = 10_000
CONTEXTUAL = 100
CHATTERS = 4
# As many in one batch as the command line sends.
BATCH_ROWS = 1_000
PROBE_PERIOD_S = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """One measured number of one phase, and its goal, if it has one."""

    phase: str
    name: str
    value: float
    unit: str
    aim: str = ""


def run(model: str, folder: Path, seconds: float, say: Callable[[str], None]) -> Iterator[Finding]:
    """Yield what is found at the start, during an import, under load and under hostile requests, in this order."""
    with guarded(model, folder, {"OMP_NUM_THREADS": "1"}) as ours:
        name = ours.model()
        last = yield from _lag(ours, "start", {})
        ours.forget(people(CONTEXTUAL))
        say("32 clients")
        asyncio.run(measure(ours.url, name, Load(32, 192, 32, stream=True), seed=1))
        last = yield from _lag(ours, "32 clients", last)
        say("untouched chat")
        quiet = _Untouched(ours.url, name).during(seconds)
        last = yield from _lag(ours, "untouched chat", last)
        say("hostile requests")
        with _hostile(ours.url, name, seconds) as sender:
            time.sleep(1)
            loud = _Untouched(ours.url, name).during(seconds - 2)
            statuses = json.loads(sender.communicate(timeout=120)[0])
        last = yield from _lag(ours, "hostile requests", last)
        yield Finding("hostile requests", "answered", sum(statuses.values()) - statuses.get("0", 0), "requests")
        yield Finding("untouched chat", "/livez p99", 1000 * quiet.probe_p99, "ms")
        yield Finding("hostile requests", "/livez p99", 1000 * loud.probe_p99, "ms", "100")
        share = loud.throughput / quiet.throughput
        yield Finding("hostile requests", "untouched chat, share of its throughput", share, "", "0.5")
        say(f"importing {TARGETS:,} targets")
        began = time.perf_counter()
        _import(ours, TARGETS)
        yield Finding("import", f"{TARGETS:,} targets enforced in full", time.perf_counter() - began, "s")
        yield from _lag(ours, "import", last)


def _lag(ours: Endpoint, phase: str, since: dict[float, float]) -> Generator[Finding, None, dict[float, float]]:
    """Yield the loop's lag since the counts `since`; return the counts by bucket, as they are now."""
    assert ours.admin is not None
    now = _buckets(ours.admin.metrics())
    counts = {edge: count - since.get(edge, 0.0) for edge, count in now.items()}
    for share in (0.99, 0.999):
        yield Finding(phase, f"loop lag p{100 * share:g}", 1000 * quantile(counts, share), "ms", LAG_AIM)
    return now


def _buckets(exposition: str) -> dict[float, float]:
    families = text_string_to_metric_families(exposition)
    samples = (sample for family in families for sample in family.samples)
    return {float(s.labels["le"]): s.value for s in samples if s.name == "lethe_loop_lag_seconds_bucket"}


def quantile(cumulative: dict[float, float], share: float) -> float:
    """Return the upper edge of the bucket in which that share of the samples is reached."""
    total = max(cumulative.values(), default=0.0)
    return next((edge for edge in sorted(cumulative) if cumulative[edge] >= share * total), 0.0)


@dataclass(frozen=True, slots=True)
class _Service:
    """What others get: chats per second, and the 99th percentile of a probe in seconds."""

    throughput: float
    probe_p99: float


class _Untouched:
    """Clients with short chats that touch no target, and a prober of /livez in a thread of its own."""

    def __init__(self, url: str, model: str) -> None:
        self._url = url
        self._model = model
        self._probes: list[float] = []

    def during(self, seconds: float) -> _Service:
        """Return what they get in the next `seconds`."""
        end = time.monotonic() + seconds
        prober = threading.Thread(target=self._probe, args=(end,))
        prober.start()
        done = asyncio.run(self._chat(end))
        prober.join()
        probes = sorted(self._probes)
        return _Service(done / seconds, probes[int(0.99 * len(probes))])

    def _probe(self, end: float) -> None:
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False) as client:
            while time.monotonic() < end:
                began = time.perf_counter()
                client.get("/livez").raise_for_status()
                self._probes.append(time.perf_counter() - began)
                time.sleep(PROBE_PERIOD_S)

    async def _chat(self, end: float) -> int:
        done = 0
        async with httpx.AsyncClient(base_url=self._url, timeout=60, trust_env=False) as client:

            async def keep(number: int) -> None:
                nonlocal done
                turn = 0
                while time.monotonic() < end:
                    turn += 1
                    text = f"{WORDS[turn % len(WORDS)]} {WORDS[number]} {turn}"
                    body = {
                        "model": self._model,
                        "max_tokens": 16,
                        "messages": [{"role": "user", "content": text}],
                    }
                    # One that is not answered is a chat less.
                    with contextlib.suppress(httpx.HTTPError):
                        response = await client.post("/v1/chat/completions", json=body)
                        done += response.is_success and time.monotonic() < end

            await asyncio.gather(*map(keep, range(CHATTERS)))
        return done


def _hostile(url: str, model: str, seconds: float) -> subprocess.Popen[bytes]:
    # In a process of its own, so that making the requests does not slow the measuring.
    command = [sys.executable, "-m", "serving.bench.hostile", url, model, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _import(ours: Endpoint, count: int) -> None:
    """Add targets in batches, as `lethe targets import` does, and return when all are enforced in full."""
    assert ours.admin is not None
    given: list[TargetDraft] = [
        {"name": f"Person{number:05d} Quillfeather", "facts": [{"answer": f"Was born in village {number:05d}."}]}
        for number in range(count)
    ]
    for first in range(0, count, BATCH_ROWS):
        rows = given[first : first + BATCH_ROWS]
        ours.admin.add_many(rows, wait_s=None)
    while True:
        policy = ours.admin.policy()
        if policy.enforced_version == policy.version:
            return
        time.sleep(1)


def markdown(found: Sequence[Finding]) -> str:
    """Return the findings as a Markdown table."""
    rows = ["| phase | figure | measured | aim |", "| --- | --- | --- | --- |"]
    rows += [f"| {f.phase} | {f.name} | {f.value:.3g} {f.unit} | {f.aim} |" for f in found]
    return "\n".join(rows)
