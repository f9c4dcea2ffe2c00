"""Figures of a report, as data; eval.report.svg draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """A labelled point; `published` ones are drawn hollow."""

    label: str
    x: float
    y: float
    published: bool = False


class Distribution(NamedTuple):
    """Empirical distribution functions over [0, 1], by name."""

    series: Mapping[str, Sequence[float]]
    x_label: str


class Scatter(NamedTuple):
    """Points with both coordinates in [0, 1]."""

    points: Sequence[Point]
    x_label: str
    y_label: str


Figure = Distribution | Scatter
