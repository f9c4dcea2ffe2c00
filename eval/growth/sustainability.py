"""MUSE's sustainability on a running server: targets added one after another, under load."""

from __future__ import annotations

from pathlib import Path

from eval.benchmarks.files import find
from eval.benchmarks.muse import load_articles
from eval.core.errors import BadBenchmark
from eval.growth.growth import Growth, Point, Told


def sustain(growth: Growth, texts: list[str], step: int, told: Told) -> list[Point]:
    """A point before the first target, and one after every `step` of them; each is told as soon as it is known."""
    points = [growth.point()]
    told(points[0])
    for count, text in enumerate(texts, 1):
        growth.add([text])
        if count % step == 0 or count == len(texts):
            points.append(growth.point())
            told(points[-1])
    return points


def passages(folder: Path, count: int) -> list[str]:
    """The first `count` distinct texts of the forget set; raises BadBenchmark where there are fewer."""
    path = find(folder / "raw", "forget")
    if path is None:
        raise BadBenchmark(f"{folder}: no file raw/forget, so nothing can be made a forget target")
    texts = list(load_articles(path))
    if len(texts) < count:
        raise BadBenchmark(f"{path}: {len(texts)} distinct texts, and {count} are asked for")
    return texts[:count]
