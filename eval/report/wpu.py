"""WPU's table from samples: the ROUGE family with and without the turns before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from eval.benchmarks.wpu import FORGET, MANY_SHOT
from eval.core.sample import Key, Sample
from eval.report.cell import Cell
from eval.report.tofu import Cells, samples_of, touched

_SCORES: Final = ("rougeL_recall", "rouge1_recall", "rougeL_f1")


def cells(samples: Mapping[Key, Sample], run: str) -> Cells:
    """Every score of `run`, and how many turns stood before the questions of the second set."""
    sets = {name: samples_of(samples, run, name) for name in (FORGET, MANY_SHOT)}
    table = {f"{name}_{score}": _mean(rows, score) for name, rows in sets.items() for score in _SCORES}
    table["shots"] = _mean(sets[MANY_SHOT], "shots")
    return table | {f"{name}_touched": touched(rows) for name, rows in sets.items()}


def _mean(rows: Sequence[Sample], name: str) -> Cell:
    values = [value for row in rows if (value := row.number(name)) is not None]
    return Cell(fmean(values)) if values else Cell(None, "no samples")
