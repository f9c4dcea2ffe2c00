"""RWKU's table from samples: ROUGE-L recall times 100, averaged over targets as its authors do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from eval.benchmarks.rwku import Form, Probe
from eval.core.sample import Key, Sample
from eval.metrics.statistics import target_mean
from eval.report.cell import Cell
from eval.report.tofu import Cells, samples_of, touched

_COLUMNS = {
    "forget_fb": "forget_level1",
    "forget_qa": "forget_level2",
    "forget_aa": "forget_level3",
    "neighbor_fb": "neighbor_level1",
    "neighbor_qa": "neighbor_level2",
}


def cells(samples: Mapping[Key, Sample], run: str, probes: Mapping[str, Sequence[Probe]]) -> Cells:
    """Every score of `run`; the "all" columns weigh each probe alike, the others each target."""
    scores = {name: _scores(samples_of(samples, run, name), probes[name]) for name in probes}
    table = {column: _mean(scores.get(name, [])) for column, name in _COLUMNS.items()}
    for side in ("forget", "neighbor"):
        every = [score for name in scores if name.startswith(side) for _, score in scores[name]]
        table[f"{side}_all"] = Cell(100 * fmean(every)) if every else Cell(None, "no samples")
    for form in Form:
        chosen = [pair for pair in scores.get("forget_level3", []) if pair[0].form is form]
        if chosen:
            table[f"form_{form.value.replace(' ', '_')}"] = _mean(chosen)
    return table | {f"{name}_touched": touched(samples_of(samples, run, name)) for name in probes}


def _scores(rows: Sequence[Sample], probes: Sequence[Probe]) -> list[tuple[Probe, float]]:
    found = ((probes[row.key.index], row.number("rouge_words_recall")) for row in rows)
    return [(probe, score) for probe, score in found if score is not None]


def _mean(scores: Sequence[tuple[Probe, float]]) -> Cell:
    if not scores:
        return Cell(None, "no samples")
    return Cell(100 * target_mean([probe.subject for probe, _ in scores], [score for _, score in scores]))
