"""Figures as inline SVG: distribution functions, points on two axes, and curves over a logarithmic one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from typing import Final, NamedTuple

WIDTH: Final = 520
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 150, 14, 40
_COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#566573", "#117a65")


class Point(NamedTuple):
    """A labelled point; `published` ones are drawn hollow."""

    label: str
    x: float
    y: float
    published: bool = False


def ecdf(series: Mapping[str, Sequence[float]], label: str) -> str:
    """Empirical distribution functions over [0, 1]."""
    parts = [_axes(label, "share of samples", (0.0, 0.5, 1.0), (0.0, 0.5, 1.0))]
    for place, ((name, values), colour) in enumerate(zip(series.items(), cycle(_COLOURS), strict=False)):
        path = _steps(sorted(values))
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(_legend(place, name, colour))
    return _figure(parts)


def scatter(points: Sequence[Point], x_label: str, y_label: str) -> str:
    """Points on [0, 1] twice."""
    ticks = (0.0, 0.25, 0.5, 0.75, 1.0)
    parts = [_axes(x_label, y_label, ticks, ticks)]
    for place, (point, colour) in enumerate(zip(points, cycle(_COLOURS), strict=False)):
        fill = "none" if point.published else colour
        at = f'cx="{_x(point.x):.1f}" cy="{_y(point.y):.1f}"'
        parts.append(f'<circle {at} r="4.5" fill="{fill}" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(_legend(place, point.label, colour, hollow=point.published))
    return _figure(parts)


def curves(series: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str) -> str:
    """Lines through points whose x, of at least 1, lie on a logarithmic axis and whose y on [0, 1]."""
    most = max((x for points in series.values() for x, _ in points), default=1.0)
    decades = max(math.log10(most), 1.0)
    marks = {f"{10**k}": k / decades for k in range(int(decades) + 1)}
    parts = [_axes(x_label, y_label, marks, (0.0, 0.25, 0.5, 0.75, 1.0))]
    for place, ((name, points), colour) in enumerate(zip(series.items(), cycle(_COLOURS), strict=False)):
        path = "L".join(f"{_x(math.log10(x) / decades):.1f},{_y(y):.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(_legend(place, name, colour))
    return _figure(parts)


def _steps(values: Sequence[float]) -> str:
    path = [f"M{_x(0):.1f},{_y(0):.1f}"]
    for place, value in enumerate(values, 1):
        path.append(f"H{_x(min(max(value, 0.0), 1.0)):.1f}V{_y(place / len(values)):.1f}")
    return "".join([*path, f"H{_x(1):.1f}"])


def _x(value: float) -> float:
    return _LEFT + value * (WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return HEIGHT - _BOTTOM - value * (HEIGHT - _TOP - _BOTTOM)


def _axes(
    x_label: str, y_label: str, x_ticks: Sequence[float] | Mapping[str, float], y_ticks: Sequence[float]
) -> str:
    """Both axes; `x_ticks` by label where a tick's label is not its place."""
    marks = x_ticks if isinstance(x_ticks, Mapping) else {f"{t:g}": t for t in x_ticks}
    lines = [f'<path d="M{_x(0)},{_y(1)}V{_y(0)}H{_x(1)}" fill="none" stroke="#888"/>']
    lines += [f'<text x="{_x(t):.1f}" y="{_y(0) + 15}" text-anchor="middle">{m}</text>' for m, t in marks.items()]
    lines += [f'<text x="{_x(0) - 6}" y="{_y(t) + 4:.1f}" text-anchor="end">{t:g}</text>' for t in y_ticks]
    lines.append(f'<text x="{_x(0.5):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    middle = _y(0.5)
    turn = f'transform="rotate(-90 12 {middle:.1f})"'
    lines.append(f'<text x="12" y="{middle:.1f}" text-anchor="middle" {turn}>{escape(y_label)}</text>')
    return "".join(lines)


def _legend(place: int, label: str, colour: str, hollow: bool = False) -> str:
    x, y = WIDTH - _RIGHT + 14, _TOP + 10 + 15 * place
    fill = "none" if hollow else colour
    return f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{fill}" stroke="{colour}"/>' + (
        f'<text x="{x + 9}" y="{y}">{escape(label)}</text>'
    )


def _figure(parts: Sequence[str]) -> str:
    style = 'font-family="sans-serif" font-size="11" fill="#333"'
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} {style}>{"".join(parts)}</svg>'


_CHART_WIDTH, _CHART_HEIGHT, _CHART_LEFT, _CHART_BOTTOM, _CHART_TOP, _CHART_RIGHT = 640, 360, 70, 45, 20, 130
_LINE_COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#a16207", "#be123c")


class Line(NamedTuple):
    """A named series of points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def chart(lines: Sequence[Line], along: str, up: str) -> str:
    """Return an SVG picture of the lines, axes named `along` and `up` and labelled at both ends."""
    xs = [x for line in lines for x in line.x]
    ys = [y for line in lines for y in line.y]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(0.0, *ys), max(ys)

    def across(x: float) -> float:
        return _CHART_LEFT + (x - low_x) / ((high_x - low_x) or 1) * (_CHART_WIDTH - _CHART_LEFT - _CHART_RIGHT)

    def height(y: float) -> float:
        return (
            _CHART_HEIGHT
            - _CHART_BOTTOM
            - (y - low_y) / ((high_y - low_y) or 1) * (_CHART_HEIGHT - _CHART_TOP - _CHART_BOTTOM)
        )

    floor, right = _CHART_HEIGHT - _CHART_BOTTOM, _CHART_WIDTH - _CHART_RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{_CHART_WIDTH}" height="{_CHART_HEIGHT}" fill="white"/>',
        f'<path d="M{_CHART_LEFT} {_CHART_TOP}V{floor}H{right}" fill="none" stroke="black"/>',
        _text(_CHART_LEFT, floor + 16, f"{low_x:g}", "middle"),
        _text(right, floor + 16, f"{high_x:g}", "middle"),
        _text((_CHART_LEFT + right) / 2, floor + 34, along, "middle"),
        _text(_CHART_LEFT - 6, floor, f"{low_y:.3g}", "end"),
        _text(_CHART_LEFT - 6, _CHART_TOP + 4, f"{high_y:.3g}", "end"),
        _text(_CHART_LEFT, _CHART_TOP - 6, up, "start"),
    ]
    for number, line in enumerate(lines):
        colour = _LINE_COLOURS[number % len(_LINE_COLOURS)]
        points = " ".join(f"{across(x):.1f},{height(y):.1f}" for x, y in zip(line.x, line.y, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{across(x):.1f}" cy="{height(y):.1f}" r="2.5" fill="{colour}"/>'
            for x, y in zip(line.x, line.y, strict=True)
        ]
        parts.append(_text(right + 8, _CHART_TOP + 14 + 18 * number, line.name, "start", colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str, colour: str = "black") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
