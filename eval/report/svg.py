"""Charts as inline SVG: distribution functions, scatter plots, lines, and curves over a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import cycle
from typing import Final, NamedTuple

from eval.core.figure import Distribution, Figure, Point

# Pixels of a chart and of its margins; the legend stands in the right one.
WIDTH: Final = 520
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 150, 14, 40
_COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#566573", "#117a65")
_HALVES: Final = (0.0, 0.5, 1.0)
_QUARTERS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def draw(figure: Figure) -> str:
    """Return a figure as SVG."""
    if isinstance(figure, Distribution):
        return ecdf(figure.series, figure.x_label)
    return scatter(figure.points, figure.x_label, figure.y_label)


class Line(NamedTuple):
    """A named series of points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


class _Axis(NamedTuple):
    """An axis from `low` to `high`, and the values of its ticks by their labels."""

    label: str
    ticks: Mapping[str, float]
    low: float = 0.0
    high: float = 1.0

    def share(self, value: float) -> float:
        """Return where a value is, from 0 at the low end to 1 at the high one."""
        return (value - self.low) / ((self.high - self.low) or 1.0)


class _Series(NamedTuple):
    """What is drawn in one colour, and its name in the legend."""

    name: str
    shape: Callable[[str], str]
    hollow: bool = False


def ecdf(series: Mapping[str, Sequence[float]], label: str) -> str:
    """Return the chart of empirical distribution functions over [0, 1]."""
    x, y = _shares(label, _HALVES), _shares("share of samples", _HALVES)
    drawn = [_Series(name, _polyline(x, y, _steps(sorted(values)))) for name, values in series.items()]
    return _figure(x, y, drawn)


def scatter(points: Sequence[Point], x_label: str, y_label: str) -> str:
    """Return the chart of points on [0, 1] twice."""
    x, y = _shares(x_label, _QUARTERS), _shares(y_label, _QUARTERS)
    drawn = [
        _Series(each.label, _circles(x, y, [(each.x, each.y)], 4.5, each.published), each.published)
        for each in points
    ]
    return _figure(x, y, drawn)


def curves(series: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str) -> str:
    """Return the chart of lines through points whose x, of at least 1, is on a logarithmic axis, y on [0, 1]."""
    most = max((x for points in series.values() for x, _ in points), default=1.0)
    decades = max(math.log10(most), 1.0)
    x = _Axis(x_label, {f"{10**k}": float(k) for k in range(int(decades) + 1)}, high=decades)
    y = _shares(y_label, _QUARTERS)
    drawn = [
        _Series(name, _polyline(x, y, [(math.log10(k), share) for k, share in points]))
        for name, points in series.items()
    ]
    return _figure(x, y, drawn)


def chart(lines: Sequence[Line], x_label: str, y_label: str) -> str:
    """Return the chart of lines with a dot at each point; its axes have ticks at their ends, and y includes 0."""
    x = _span(x_label, [value for line in lines for value in line.x])
    y = _span(y_label, [0.0, *(value for line in lines for value in line.y)])
    drawn = []
    for line in lines:
        points = list(zip(line.x, line.y, strict=True))
        drawn.append(_Series(line.name, _both(_polyline(x, y, points), _circles(x, y, points, 2.5))))
    return _figure(x, y, drawn)


def stack(figures: Sequence[str]) -> str:
    """Return one picture of several, one below the other."""
    parts = [f'<g transform="translate(0 {HEIGHT * place})">{figure}</g>' for place, figure in enumerate(figures)]
    return _svg(HEIGHT * len(figures), parts)


def _shares(label: str, ticks: Sequence[float]) -> _Axis:
    return _Axis(label, {f"{tick:g}": tick for tick in ticks})


def _span(label: str, values: Sequence[float]) -> _Axis:
    low, high = min(values), max(values)
    return _Axis(label, {f"{low:.4g}": low, f"{high:.4g}": high}, low, high)


def _steps(values: Sequence[float]) -> list[tuple[float, float]]:
    points, share = [(0.0, 0.0)], 0.0
    for place, value in enumerate(values, 1):
        at = min(max(value, 0.0), 1.0)
        points += [(at, share), (at, share := place / len(values))]
    return [*points, (1.0, share)]


def _polyline(x: _Axis, y: _Axis, points: Sequence[tuple[float, float]]) -> Callable[[str], str]:
    path = " ".join(f"{_across(x.share(a)):.1f},{_up(y.share(b)):.1f}" for a, b in points)
    return lambda colour: f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'


def _circles(
    x: _Axis, y: _Axis, points: Sequence[tuple[float, float]], radius: float, hollow: bool = False
) -> Callable[[str], str]:
    return lambda colour: "".join(
        _circle(_across(x.share(a)), _up(y.share(b)), radius, colour, hollow) for a, b in points
    )


def _both(one: Callable[[str], str], other: Callable[[str], str]) -> Callable[[str], str]:
    return lambda colour: one(colour) + other(colour)


def _circle(x: float, y: float, radius: float, colour: str, hollow: bool) -> str:
    fill = "none" if hollow else colour
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{fill}" stroke="{colour}"/>'


def _across(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _up(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _figure(x: _Axis, y: _Axis, series: Sequence[_Series]) -> str:
    parts = [_axes(x, y)]
    for place, (each, colour) in enumerate(zip(series, cycle(_COLOURS), strict=False)):
        parts += [each.shape(colour), _legend(place, each, colour)]
    return _svg(HEIGHT, parts)


def _axes(x: _Axis, y: _Axis) -> str:
    left, right, floor, middle = _across(0), _across(1), _up(0), _up(0.5)
    parts = [f'<path d="M{left},{_up(1)}V{floor}H{right}" fill="none" stroke="#888"/>']
    parts += [_text(_across(x.share(value)), floor + 15, name, "middle") for name, value in x.ticks.items()]
    parts += [_text(left - 6, _up(y.share(value)) + 4, name, "end") for name, value in y.ticks.items()]
    parts.append(_text(_across(0.5), HEIGHT - 6, x.label, "middle"))
    parts.append(_text(12, middle, y.label, "middle", f' transform="rotate(-90 12 {middle:.1f})"'))
    return "".join(parts)


def _legend(place: int, series: _Series, colour: str) -> str:
    x, y = WIDTH - _RIGHT + 14, _TOP + 10 + 15 * place
    return _circle(x, y - 4, 4, colour, series.hollow) + _text(x + 9, y, series.name, "start")


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img"'
    style = 'font-family="sans-serif" font-size="11" fill="#333"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {style}>{"".join(parts)}</svg>'
