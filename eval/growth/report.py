"""The points of a growing policy as JSON, a Markdown table and an SVG chart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from eval.growth.growth import GrowthPoint
from eval.report.svg import Line, chart, stack

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


class Trend(NamedTuple):
    """Change of the fitted line from the first point to the last, with its 95 % confidence interval."""

    change: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GrowthReport:
    """A run's report: its provenance, and its points so far."""

    provenance: Mapping[str, Any]
    points: list[GrowthPoint] = field(default_factory=list)

    def files(self) -> dict[str, str]:
        """Return the files of the result by name."""
        document = {"schema": 1, **self.provenance, "points": [asdict(point) for point in self.points]}
        return {
            "results.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
            "report.md": self.markdown(),
            "report.svg": growth_chart(self.points),
        }

    def markdown(self) -> str:
        """Return the tables. A trend needs three points."""
        return point_table(self.points) + ("\n" + trend_table(self.points) if len(self.points) > 2 else "")


def trend(sizes: Sequence[int], values: Sequence[float]) -> Trend:
    """Fit a line by least squares with normal errors. Needs three points; an interval around 0 means flat."""
    from scipy.stats import linregress, t

    if len(set(values)) == 1:
        return Trend(0.0, 0.0, 0.0)
    line = linregress(sizes, values)
    size_range = sizes[-1] - sizes[0]
    half_width = float(t.ppf(0.975, len(sizes) - 2)) * line.stderr
    return Trend(
        line.slope * size_range, (line.slope - half_width) * size_range, (line.slope + half_width) * size_range
    )


def point_table(points: Sequence[GrowthPoint]) -> str:
    """Return the points as a Markdown table."""
    lines = [f"| {' | '.join(_HEADS)} |", "|---" * len(_HEADS) + "|"]
    return "\n".join([*lines, *map(_row, points)]) + "\n"


def trend_table(points: Sequence[GrowthPoint]) -> str:
    """Return the change of knowledge and latency from the first point to the last, as a Markdown table."""
    sizes = [point.targets for point in points]
    named = {
        "knowledge retained": [point.knowledge for point in points],
        "latency p50 (ms)": [1e3 * point.p50 for point in points],
        "latency p95 (ms)": [1e3 * point.p95 for point in points],
    }
    lines = ["| over all targets | change | 95 % | flat within noise |", "|---|---|---|---|"]
    for name, values in named.items():
        fitted = trend(sizes, values)
        flat = "yes" if fitted.low <= 0 <= fitted.high else "no"
        lines.append(f"| {name} | {fitted.change:+.2f} | {fitted.low:+.2f} to {fitted.high:+.2f} | {flat} |")
    return "\n".join(lines) + "\n"


def growth_chart(points: Sequence[GrowthPoint]) -> str:
    """Return three charts over the number of targets, one below the other, as SVG."""
    curves = {
        "knowledge retained": [point.knowledge for point in points],
        "latency p50, ms": [1e3 * point.p50 for point in points],
        "latency p95, ms": [1e3 * point.p95 for point in points],
    }
    sizes = [float(point.targets) for point in points]
    return stack([chart([Line(name, sizes, values)], "targets", "") for name, values in curves.items()]) + "\n"


def _row(point: GrowthPoint) -> str:
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
