"""`lethe detector report`, `scripts` and `latency`: the detector's recall, false positives and latency."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import progress_bar, reported


def report(
    data: Annotated[Path, typer.Option(help="Folder with TOFU's and RWKU's files in tofu/ and rwku/.")],
    out: Annotated[Path | None, typer.Option(help="Folder for report.md and calibration.svg.")] = None,
    sets: Annotated[
        int, typer.Option(min=1, max=10, help="Number of sets of 20 RWKU people, each measured by itself.")
    ] = 1,
    answers: Annotated[
        bool,
        typer.Option(help="Only RWKU's prompts together with their reference answers, as the watch reads them."),
    ] = False,
) -> None:
    """Measure recall by form and false positives by set, as served and after training; with answers, of both."""
    if answers:
        return _with_answers(data, sets)
    from eval.detection.dataset import PEOPLE_PER_SET, from_rwku, from_tofu
    from eval.detection.measure import measure
    from eval.detection.report import calibration_chart, markdown, sets_section
    from eval.harness.atomic_file import write_result
    from guard.detection.embedder import SentenceEmbedder

    with reported(), progress_bar() as bar:
        embedder = SentenceEmbedder()
        tofu = from_tofu(data / "tofu")
        names, known = (from_rwku(data / "rwku", 0, half_known=half_known) for half_known in (False, True))
        cases = ((tofu, False), (tofu, True), (names, False), (known, False), (known, True))
        outcomes = [measure(dataset, embedder, trained=trained, progress=bar) for dataset, trained in cases]
        others = (from_rwku(data / "rwku", first, half_known=True) for first in range(1, sets))
        by_set = [outcomes[-1], *(measure(other, embedder, trained=True, progress=bar) for other in others)]
    text = markdown(outcomes)
    if sets > 1:
        text += "\n" + sets_section(f"RWKU, {sets} sets of {PEOPLE_PER_SET} people: trained classifier", by_set)
    print(text)
    if out is not None:
        with reported():
            write_result(out / "report.md", text)
            write_result(out / "calibration.svg", calibration_chart(outcomes))


def scripts(
    targets: Annotated[int, typer.Option(min=1, help="Number of names that are looked for.")] = 1_000,
) -> None:
    """Measure how many names are found in another script, and how many of nobody are taken for one."""
    from eval.detection.scripts import markdown, measure_scripts

    print(markdown(measure_scripts(targets)))


def latency(
    data: Annotated[
        Path, typer.Option(help="Folder with TOFU's files in tofu/, whose questions are the prompts.")
    ],
    targets: Annotated[int, typer.Option(min=1, help="Number of targets.")] = 100_000,
) -> None:
    """Measure the latency that detection adds to a short request. Use an idle machine and OMP_NUM_THREADS=1."""
    from eval.benchmarks.files import load_questions, need
    from eval.detection.latency import markdown, measure_latency
    from guard.detection.embedder import SentenceEmbedder

    with reported():
        questions = [row.question for row in load_questions(need(data / "tofu", "holdout10"))]
        print(markdown(measure_latency(SentenceEmbedder(), targets, questions)))


def _with_answers(data: Path, sets: int) -> None:
    from eval.detection.dataset import from_rwku
    from eval.detection.watch import markdown, measure_watch
    from guard.detection.embedder import SentenceEmbedder

    with reported(), progress_bar() as bar:
        embedder = SentenceEmbedder()
        for half_known in (False, True):
            for first in range(sets):
                dataset = from_rwku(data / "rwku", first, half_known=half_known)
                print(markdown(f"{dataset.name}, set {first + 1}", measure_watch(dataset, embedder, bar)))
