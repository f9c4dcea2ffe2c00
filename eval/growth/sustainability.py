"""MUSE's sustainability on a running server: targets added one at a time, under load."""

from __future__ import annotations

from pathlib import Path

from eval.benchmarks.files import find
from eval.benchmarks.muse import load_articles
from eval.core.errors import BadBenchmark
from eval.growth.growth import GrowingPolicy, GrowthPoint, OnPoint


def measure_sustainability(
    growth: GrowingPolicy, texts: list[str], step: int, on_point: OnPoint
) -> list[GrowthPoint]:
    """Measure before the first target and after every `step` targets; call `on_point` with each point at once."""
    points = [growth.point()]
    on_point(points[0])
    for count, text in enumerate(texts, 1):
        growth.add([text])
        if count % step == 0 or count == len(texts):
            points.append(growth.point())
            on_point(points[-1])
    return points


def load_texts(folder: Path, count: int) -> list[str]:
    """Return the first `count` distinct texts of the forget set. Raises BadBenchmark if there are fewer."""
    path = find(folder / "raw", "forget")
    if path is None:
        raise BadBenchmark(f"{folder}: no file raw/forget, so nothing can be made a forget target")
    texts = list(load_articles(path))
    if len(texts) < count:
        raise BadBenchmark(f"{path}: {len(texts)} distinct texts, and {count} are asked for")
    return texts[:count]
