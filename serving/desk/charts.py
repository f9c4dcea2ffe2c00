"""Charts of the desk: geometry alone, which templates draw as SVG in the colours of the stylesheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from serving.assistants.sweeps import SweepPoint

WIDTH, HEIGHT = 480, 200
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 12, 36
"""Widths of the margins, in which the axes are labelled."""


class Dot(NamedTuple):
    """A point of a line, in units of the picture."""

    x: float
    y: float


class Line(NamedTuple):
    """A line through dots; `name` is `forget` or `retain`."""

    name: str
    path: str
    dots: list[Dot]


class SweepChart(NamedTuple):
    """How likely answers are over the strength, for one rate of the filter.

    alphas  the strengths that are labelled, by their place on the axis
    """

    filter_rate: float
    points: list[SweepPoint]
    lines: list[Line]
    alphas: list[tuple[float, float]]


def sweep_charts(points: Sequence[SweepPoint]) -> list[SweepChart]:
    """Return a chart for each rate of the filter, of points that are sorted by rate and strength."""
    rates = dict.fromkeys(point.filter_rate for point in points)
    return [_chart(rate, [point for point in points if point.filter_rate == rate]) for rate in rates]


def _chart(rate: float, points: list[SweepPoint]) -> SweepChart:
    low, high = points[0].alpha, points[-1].alpha
    lines = [_line("forget", [(point.alpha, point.forget) for point in points], low, high)]
    retained = [(point.alpha, point.retain) for point in points if point.retain is not None]
    if retained:
        lines.append(_line("retain", retained, low, high))
    ends = [low] if low == high else [low, high]
    return SweepChart(rate, points, lines, [(_across(alpha, low, high), alpha) for alpha in ends])


def _line(name: str, values: Sequence[tuple[float, float]], low: float, high: float) -> Line:
    dots = [Dot(_across(alpha, low, high), _up(value)) for alpha, value in values]
    return Line(name, " ".join(f"{dot.x},{dot.y}" for dot in dots), dots)


def _across(alpha: float, low: float, high: float) -> float:
    share = 0.5 if low == high else (alpha - low) / (high - low)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _up(value: float) -> float:
    return round(HEIGHT - BOTTOM - min(max(value, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM), 1)
