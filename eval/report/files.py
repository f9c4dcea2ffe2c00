"""Writes the files of a result, results.json, report.md and report.html, from the samples of a store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.benchmarks.benchmark import AnyBenchmark
from eval.core.cell import ColumnGroup
from eval.core.sample import ReplaySamples
from eval.core.task import Task
from eval.harness.options import RETAIN, Options
from eval.harness.store import Store, read_config
from eval.report.example import Example, examples
from eval.report.html import page
from eval.report.markdown import markdown
from eval.report.results import Results
from eval.report.svg import draw


def write_replay(
    benchmark: AnyBenchmark,
    options: Options,
    store: Store,
    tasks: Sequence[Task[Any]],
    command: str,
    seconds: float,
) -> Results:
    """Write the result of a replay, with the tables and figures of its benchmark."""
    runs = options.no_likelihood
    samples = ReplaySamples(store.samples, runs, RETAIN if options.retain_model else None)
    tables = benchmark.tables(samples, tasks)
    figures = {caption: draw(figure) for caption, figure in benchmark.figures(samples, tables).items()}
    counts = Counter(key.run for key in store.samples if key.run in runs)
    results = Results(read_config(store.folder), command, seconds, dict(counts), tables)
    write_files(store, results, benchmark.columns, figures, examples(store.samples, list(runs), tasks))
    return results


def write_files(
    store: Store,
    results: Results,
    columns: Sequence[ColumnGroup],
    figures: Mapping[str, str],
    shown: Sequence[Example],
) -> None:
    """Write the three files of a result; `figures` are SVG by caption."""
    store.write("results.json", json.dumps(results.json(), indent=2, allow_nan=False) + "\n")
    store.write("report.md", markdown(results, columns))
    store.write("report.html", page(results, columns, figures, shown))
