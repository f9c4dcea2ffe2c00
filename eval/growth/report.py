"""A growing policy as a table and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any, Final, NamedTuple

from eval.growth.growth import Point

_HEADS: Final = (
    "targets",
    "knowledge retained",
    "answers unchanged",
    "latency p50",
    "latency p95",
    "requests",
    "failed",
    "enforced after",
)
WIDTH, HEIGHT, LEFT, BOTTOM = 520, 150, 60, 30


class Slope(NamedTuple):
    """Change over all targets of the straight line through the points, and the ends of its 95 % interval."""

    change: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a run: how it was made, and its points so far."""

    made: Mapping[str, Any]
    points: list[Point] = field(default_factory=list)

    def files(self) -> dict[str, str]:
        """The files of the result by name."""
        document = {"schema": 1, **self.made, "points": [asdict(point) for point in self.points]}
        return {
            "results.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
            "report.md": self.markdown(),
            "report.svg": figure(self.points),
        }

    def markdown(self) -> str:
        """The tables; a trend needs three points."""
        trend = "\n" + trends(self.points) if len(self.points) > 2 else ""
        return table(self.points) + trend


def slope(sizes: Sequence[int], values: Sequence[float]) -> Slope:
    """Least squares with normal errors; flat within noise is an interval that holds 0. Needs three points."""
    from scipy.stats import linregress, t

    if len(set(values)) == 1:
        return Slope(0.0, 0.0, 0.0)
    line = linregress(sizes, values)
    reach = sizes[-1] - sizes[0]
    half = float(t.ppf(0.975, len(sizes) - 2)) * line.stderr
    return Slope(line.slope * reach, (line.slope - half) * reach, (line.slope + half) * reach)


def table(points: Sequence[Point]) -> str:
    """The points as a Markdown table."""
    lines = [f"| {' | '.join(_HEADS)} |", "|---" * len(_HEADS) + "|"]
    return "\n".join([*lines, *map(_row, points)]) + "\n"


def trends(points: Sequence[Point]) -> str:
    """How knowledge and latency change from the first point to the last, as Markdown."""
    sizes = [point.targets for point in points]
    named = {
        "knowledge retained": [point.knowledge for point in points],
        "latency p50 (ms)": [1e3 * point.p50 for point in points],
        "latency p95 (ms)": [1e3 * point.p95 for point in points],
    }
    lines = ["| over all targets | change | 95 % | flat within noise |", "|---|---|---|---|"]
    for name, values in named.items():
        found = slope(sizes, values)
        flat = "yes" if found.low <= 0 <= found.high else "no"
        lines.append(f"| {name} | {found.change:+.2f} | {found.low:+.2f} to {found.high:+.2f} | {flat} |")
    return "\n".join(lines) + "\n"


def figure(points: Sequence[Point]) -> str:
    """Three curves over the number of targets, one below the other, as SVG."""
    curves = {
        "knowledge retained": [point.knowledge for point in points],
        "latency p50, ms": [1e3 * point.p50 for point in points],
        "latency p95, ms": [1e3 * point.p95 for point in points],
    }
    sizes = [point.targets for point in points]
    parts = [_curve(place, name, sizes, values) for place, (name, values) in enumerate(curves.items())]
    height = HEIGHT * len(curves)
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    style = 'font-family="sans-serif" font-size="11" fill="#333"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {style}>{"".join(parts)}</svg>\n'


def _row(point: Point) -> str:
    cells = (
        f"{point.targets}",
        f"{point.knowledge:.2f}",
        f"{point.unchanged:.1%}",
        f"{1e3 * point.p50:.0f} ms",
        f"{1e3 * point.p95:.0f} ms",
        f"{point.requests}",
        f"{point.failed}",
        f"{point.adding:.2f} s" if point.adding else "",
    )
    return f"| {' | '.join(cells)} |"


def _curve(place: int, name: str, sizes: Sequence[int], values: Sequence[float]) -> str:
    top, floor = place * HEIGHT + 20, (place + 1) * HEIGHT - BOTTOM
    widest, highest = max(sizes[-1], 1), max(*values, 1e-9) * 1.1
    dots = [
        (LEFT + size / widest * (WIDTH - LEFT - 20), floor - value / highest * (floor - top))
        for size, value in zip(sizes, values, strict=True)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    return (
        f'<path d="M{LEFT},{top}V{floor}H{WIDTH - 20}" fill="none" stroke="#888"/>'
        f'<polyline points="{line}" fill="none" stroke="#1b6ca8" stroke-width="1.6"/>'
        f'<text x="{LEFT + 6}" y="{top - 6}">{escape(name)}</text>'
        f'<text x="{LEFT - 6}" y="{floor}" text-anchor="end">0</text>'
        f'<text x="{LEFT - 6}" y="{top + 8}" text-anchor="end">{highest:.3g}</text>'
        f'<text x="{WIDTH - 20}" y="{floor + 15}" text-anchor="end">{widest} targets</text>'
    )
