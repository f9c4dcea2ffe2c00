"""Tables of a soak: latencies window by window, and the growth of each process."""

from __future__ import annotations

from collections.abc import Sequence

from serving.bench.soak.footprint import AIMS, growth
from serving.bench.soak.run import Soak, windows

MAX_WINDOW_MIN = 5.0
WARM_UP_SHARE = 1 / 3
"""Of all of it, what the growth is not computed from: caches fill meanwhile. 10 of 30 minutes."""


def markdown(soak: Soak) -> str:
    """Return both tables; the windows are of 5 minutes, of a soak of less than 15 of a third of it."""
    minutes = max((one.minutes for one in soak.seen), default=0.0)
    length = min(MAX_WINDOW_MIN, max(minutes / 3, 0.01))
    return "\n".join([_summary(soak), "", *_latencies(soak, length), "", *_growths(soak, minutes * WARM_UP_SHARE)])


def _summary(soak: Soak) -> str:
    return (
        f"{soak.rate:.1f} requests a second; {len(soak.answered):,} answers, {soak.failed.total():,} failed"
        f"{f' {dict(soak.failed)}' if soak.failed else ''}, {soak.left_out:,} left out; "
        f"{len(soak.applied):,} changes"
    )


def _latencies(soak: Soak, length: float) -> list[str]:
    lines = [
        "| from minute | answers | first token p50, p99 | answer p50, p99 | change enforced p50, p99 |",
        "| --- | --- | --- | --- | --- |",
    ]
    first = windows([(one.minutes, one.first) for one in soak.answered], length)
    total = windows([(one.minutes, one.total) for one in soak.answered], length)
    applied = dict(windows(soak.applied, length))
    for (begins, firsts), (_, totals) in zip(first, total, strict=True):
        cells = [_spread(firsts), _spread(totals), _spread(applied.get(begins, []))]
        lines.append(f"| {begins:.1f} | {len(firsts):,} | {' | '.join(cells)} |")
    return lines


def _growths(soak: Soak, warm_up: float) -> list[str]:
    lines = [
        f"| process, from minute {warm_up:.1f} | figure | first | last | highest | slope a minute | aim |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in growth(soak.seen, warm_up):
        numbers = f"{one.first:.1f} | {one.last:.1f} | {one.highest:.1f} | {one.slope:+.3f}"
        lines.append(f"| {one.process} | {one.figure} | {numbers} | {AIMS[one.figure]} |")
    return lines


def _spread(ascending: Sequence[float]) -> str:
    """Return the median and the 99th percentile of ascending seconds, in milliseconds."""
    if not ascending:
        return ""
    values = (ascending[int(share * (len(ascending) - 1))] for share in (0.5, 0.99))
    return ", ".join(f"{1000 * value:.1f}" for value in values) + " ms"
