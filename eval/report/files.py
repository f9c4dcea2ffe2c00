"""The files of a result: results.json, report.md and report.html, made from the samples of a store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.benchmarks.rwku import Probe
from eval.core.task import Task
from eval.harness.store import Store, read_config
from eval.metrics.membership import Corpus
from eval.metrics.truth_ratio import Convention
from eval.report import columns, muse, rwku, tofu, wpu
from eval.report.cell import Cell
from eval.report.columns import Block
from eval.report.compare import TOFU_FORGET10
from eval.report.example import examples
from eval.report.html import page
from eval.report.markdown import markdown
from eval.report.results import Results
from eval.report.svg import Point, ecdf, scatter

Reasons = Mapping[str, str]
"""By run: why it has no likelihood; "" where it has one."""

Runs = dict[str, dict[str, Cell]]


def write_tofu(
    store: Store, runs: Reasons, retain: str | None, tasks: Sequence[Task[Any]], command: str, seconds: float
) -> Results:
    """Write a TOFU result."""
    tables: dict[str, Runs] = {
        convention.value: {
            run: tofu.cells(store.samples, run, retain, convention, reason) for run, reason in runs.items()
        }
        for convention in Convention
    }
    results = _results(store, runs, tables, command, seconds)
    figures = {
        "Truth ratio of the forget set (distribution function of min(R, 1/R))": _distribution(store, runs),
        "Forgetting against utility (hollow: published, other models)": _points(
            tables[Convention.OPEN_UNLEARNING], published=results.config["split"] == "forget10"
        ),
    }
    _write(store, results, columns.TOFU, figures, runs, tasks)
    return results


def write_muse(
    store: Store,
    corpus: Corpus,
    runs: Reasons,
    retain: str | None,
    tasks: Sequence[Task[Any]],
    command: str,
    seconds: float,
) -> Results:
    """Write a MUSE result."""
    table = {run: muse.cells(store.samples, run, retain, corpus, reason) for run, reason in runs.items()}
    results = _results(store, runs, {"authors": table}, command, seconds)
    _write(store, results, columns.MUSE, {}, runs, tasks)
    return results


def write_rwku(
    store: Store,
    runs: Reasons,
    probes: Mapping[str, Sequence[Probe]],
    tasks: Sequence[Task[Any]],
    command: str,
    seconds: float,
) -> Results:
    """Write an RWKU result."""
    table = {run: rwku.cells(store.samples, run, probes) for run in runs}
    results = _results(store, runs, {"authors": table}, command, seconds)
    _write(store, results, columns.RWKU, {}, runs, tasks)
    return results


def write_wpu(store: Store, runs: Reasons, tasks: Sequence[Task[Any]], command: str, seconds: float) -> Results:
    """Write a WPU result."""
    table = {run: wpu.cells(store.samples, run) for run in runs}
    results = _results(store, runs, {"authors": table}, command, seconds)
    _write(store, results, columns.WPU, {}, runs, tasks)
    return results


def _results(store: Store, runs: Reasons, tables: Mapping[str, Runs], command: str, seconds: float) -> Results:
    counts = Counter(key.run for key in store.samples if key.run in runs)
    return Results(read_config(store.folder), command, seconds, dict(counts), tables)


def _write(
    store: Store,
    results: Results,
    blocks: Sequence[Block],
    figures: Mapping[str, str],
    runs: Reasons,
    tasks: Sequence[Task[Any]],
) -> None:
    shown = examples(store.samples, list(runs), tasks)
    store.write("results.json", json.dumps(results.json(), indent=2, allow_nan=False) + "\n")
    store.write("report.md", markdown(results, blocks))
    store.write("report.html", page(results, blocks, figures, shown))


def _distribution(store: Store, runs: Reasons) -> str:
    series = {}
    for run in runs:
        found = tofu.ratios(tofu.samples_of(store.samples, run, "forget"), Convention.OPEN_UNLEARNING)
        if found is not None:
            series[run] = [min(ratio, 1 / (ratio + 1e-10)) for ratio in found.tolist()]
    return ecdf(series, "min(R, 1/R)")


def _points(runs: Runs, published: bool) -> str:
    points = []
    for run, table in runs.items():
        forget, utility = table["forget_probability"].value, table["model_utility"].value
        if forget is not None and utility is not None:
            points.append(Point(run, 1 - forget, utility))
    return scatter([*points, *(TOFU_FORGET10 if published else ())], "1 - forget probability", "Model Utility")
