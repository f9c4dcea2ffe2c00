"""MUSE's scalability on a running server: nested forget sets, each added to those before it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from eval.benchmarks.files import find
from eval.benchmarks.muse import load_articles
from eval.core.errors import BadBenchmark
from eval.growth.growth import Growth, Point, Told

BATCH = 20
"""Embedding twenty fresh articles takes well under the minute that the admin plane waits."""


class Nested(NamedTuple):
    """What each set adds to the one before, and which files that is from."""

    source: str
    added: list[list[str]]


def nested(folder: Path, limit: int | None) -> Nested:
    """The sets scal/forget_1 to 4; where the folder lacks them, raw/forget and sust/forget_2 to 4 nested."""
    scal = [path for number in range(1, 5) if (path := find(folder / "scal", f"forget_{number}"))]
    if scal:
        return Nested("scal/forget_1 to 4", _fresh([load_articles(path)[:limit] for path in scal]))
    raw = find(folder / "raw", "forget")
    folds = [path for number in range(2, 5) if (path := find(folder / "sust", f"forget_{number}"))]
    if raw is None or not folds:
        raise BadBenchmark(f"{folder}: neither scal/forget_1 to 4 nor raw/forget and sust/forget_2 to 4")
    files = [load_articles(path)[:limit] for path in (raw, *folds)]
    return Nested("raw/forget and sust/forget_2 to 4, one on another (the folder has no scal)", _fresh(files))


def scale(growth: Growth, sets: Nested, told: Told) -> list[Point]:
    """A point before the first set, and one after each; each is told as soon as it is known."""
    points = [growth.point()]
    told(points[0])
    for added in sets.added:
        for start in range(0, len(added), BATCH):
            growth.add(added[start : start + BATCH])
        points.append(growth.point())
        told(points[-1])
    return points


def _fresh(files: list[tuple[str, ...]]) -> list[list[str]]:
    # Boiler-plate recurs from fold to fold, and a target of the same texts is refused as one that is there.
    known: set[str] = set()
    added = []
    for texts in files:
        added.append([text for text in texts if text not in known])
        known.update(texts)
    return added
