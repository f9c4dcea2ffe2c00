from __future__ import annotations

import asyncio
import contextlib
import time

from serving.telemetry.loop_lag import watch_loop
from serving.telemetry.metrics import Metrics


def samples(metrics: Metrics, above: str | None = None) -> float:
    value = metrics.registry.get_sample_value
    count = value("lethe_loop_lag_seconds_count") or 0.0
    return count - (value("lethe_loop_lag_seconds_bucket", {"le": above}) or 0.0) if above else count


def block(seconds: float) -> None:
    time.sleep(seconds)


async def watched(metrics: Metrics, blocked_s: float) -> None:
    watcher = asyncio.create_task(watch_loop(metrics, period_s=0.01))
    while not samples(metrics):
        await asyncio.sleep(0.001)
    block(blocked_s)
    await asyncio.sleep(0.02)
    watcher.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watcher


async def test_a_blocked_loop_shows_with_every_moment_that_it_was_blocked_for() -> None:
    metrics = Metrics()
    await watched(metrics, 0.3)
    # Of 30 periods that begin while it is blocked, those of the first 0.2 s wait for more than 0.1 s.
    assert samples(metrics, above="0.1") >= 15
    assert samples(metrics, above="0.25") >= 3


async def test_every_period_is_a_sample() -> None:
    metrics = Metrics()
    await watched(metrics, 0.0)
    assert 1 <= samples(metrics) < 100
