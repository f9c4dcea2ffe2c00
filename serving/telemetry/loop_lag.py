"""How late the event loop is: what everybody who is connected waits while something blocks it."""

from __future__ import annotations

import asyncio
from time import perf_counter

from serving.telemetry.metrics import Metrics

PERIOD_S = 0.02


async def watch_loop(metrics: Metrics, period_s: float = PERIOD_S) -> None:
    """Observe the loop's lag every `period_s` seconds until cancelled.

    A period that began while the loop was blocked counts with the rest of the wait, so that the share of samples
    above a lag is the share of moments at which a client would have waited longer.
    """
    due = perf_counter() + period_s
    while True:
        await asyncio.sleep(due - perf_counter())
        now = perf_counter()
        while due <= now:
            metrics.observe_loop_lag(now - due)
            due += period_s
