"""A line chart as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 640, 360, 70, 45, 20, 130
_COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#a16207", "#be123c")


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
        return _LEFT + (x - low_x) / ((high_x - low_x) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def height(y: float) -> float:
        return _HEIGHT - _BOTTOM - (y - low_y) / ((high_y - low_y) or 1) * (_HEIGHT - _TOP - _BOTTOM)

    floor, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<path d="M{_LEFT} {_TOP}V{floor}H{right}" fill="none" stroke="black"/>',
        _text(_LEFT, floor + 16, f"{low_x:g}", "middle"),
        _text(right, floor + 16, f"{high_x:g}", "middle"),
        _text((_LEFT + right) / 2, floor + 34, along, "middle"),
        _text(_LEFT - 6, floor, f"{low_y:.3g}", "end"),
        _text(_LEFT - 6, _TOP + 4, f"{high_y:.3g}", "end"),
        _text(_LEFT, _TOP - 6, up, "start"),
    ]
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{across(x):.1f},{height(y):.1f}" for x, y in zip(line.x, line.y, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{across(x):.1f}" cy="{height(y):.1f}" r="2.5" fill="{colour}"/>'
            for x, y in zip(line.x, line.y, strict=True)
        ]
        parts.append(_text(right + 8, _TOP + 14 + 18 * number, line.name, "start", colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str, colour: str = "black") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
