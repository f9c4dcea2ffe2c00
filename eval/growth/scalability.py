"""MUSE's scalability on a running server: nested forget sets, each added to the sets before it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from eval.benchmarks.files import find
from eval.benchmarks.muse import load_articles
from eval.core.errors import BadBenchmark
from eval.growth.growth import GrowingPolicy, GrowthPoint, OnPoint

MAX_BATCH_TARGETS = 20
"""Targets in one request. Embedding twenty new articles takes well under the minute that the admin plane waits."""


class NestedSets(NamedTuple):
    """The texts that each set adds to the one before, and the files they come from."""

    source: str
    added: list[list[str]]


def load_nested(folder: Path, limit: int | None) -> NestedSets:
    """Return the sets scal/forget_1 to 4; if the folder lacks them, raw/forget and sust/forget_2 to 4, nested."""
    scal = [path for number in range(1, 5) if (path := find(folder / "scal", f"forget_{number}"))]
    if scal:
        return NestedSets("scal/forget_1 to 4", _new_texts([load_articles(path)[:limit] for path in scal]))
    raw = find(folder / "raw", "forget")
    folds = [path for number in range(2, 5) if (path := find(folder / "sust", f"forget_{number}"))]
    if raw is None or not folds:
        raise BadBenchmark(f"{folder}: neither scal/forget_1 to 4 nor raw/forget and sust/forget_2 to 4")
    files = [load_articles(path)[:limit] for path in (raw, *folds)]
    return NestedSets(
        "raw/forget and sust/forget_2 to 4, one on another (the folder has no scal)", _new_texts(files)
    )


def measure_scalability(growth: GrowingPolicy, sets: NestedSets, on_point: OnPoint) -> list[GrowthPoint]:
    """Measure before the first set and after each set; call `on_point` with each point at once."""
    points = [growth.point()]
    on_point(points[0])
    for added in sets.added:
        for start in range(0, len(added), MAX_BATCH_TARGETS):
            growth.add(added[start : start + MAX_BATCH_TARGETS])
        points.append(growth.point())
        on_point(points[-1])
    return points


def _new_texts(files: list[tuple[str, ...]]) -> list[list[str]]:
    # Boilerplate recurs from fold to fold, and the server refuses a target whose texts it already has.
    known: set[str] = set()
    added = []
    for texts in files:
        added.append([text for text in texts if text not in known])
        known.update(texts)
    return added
