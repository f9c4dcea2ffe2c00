"""`lethe detector report` and `latency`: what the detector finds, what it confuses, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import progress_bar, reported


def report(
    data: Annotated[Path, typer.Option(help="Folder with TOFU's and RWKU's files in tofu/ and rwku/.")],
    out: Annotated[Path | None, typer.Option(help="Folder for report.md and calibration.svg.")] = None,
    sets: Annotated[
        int, typer.Option(min=1, max=10, help="Sets of 20 of RWKU's people, each measured by itself.")
    ] = 1,
) -> None:
    """Measure recall by form and false positives by set, as served and after training."""
    from eval.detection.material import PEOPLE, from_rwku, from_tofu
    from eval.detection.measure import measure
    from eval.detection.report import markdown, picture, spread
    from guard.detection.embedder import SentenceEmbedder

    with reported(), progress_bar() as bar:
        embedder = SentenceEmbedder()
        tofu = from_tofu(data / "tofu")
        bare, known = (from_rwku(data / "rwku", 0, taught=taught) for taught in (False, True))
        cases = ((tofu, False), (tofu, True), (bare, False), (known, False), (known, True))
        done = [measure(material, embedder, trained=trained, progress=bar) for material, trained in cases]
        more = (from_rwku(data / "rwku", first, taught=True) for first in range(1, sets))
        trained = [done[-1], *(measure(material, embedder, trained=True, progress=bar) for material in more)]
    text = markdown(done)
    if sets > 1:
        text += "\n" + spread(f"RWKU, {sets} sets of {PEOPLE} people: trained classifier", trained)
    print(text)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.md").write_text(text, encoding="utf-8")
        (out / "calibration.svg").write_text(picture(done), encoding="utf-8")


def latency(
    data: Annotated[
        Path, typer.Option(help="Folder with TOFU's files in tofu/, whose questions are the prompts.")
    ],
    targets: Annotated[int, typer.Option(min=1, help="How many targets there are.")] = 100_000,
) -> None:
    """Measure what detection adds to a short request; give it a quiet machine and OMP_NUM_THREADS=1."""
    from eval.benchmarks.files import load_questions, need
    from eval.detection.latency import markdown, measure_latency
    from guard.detection.embedder import SentenceEmbedder

    with reported():
        questions = [row.question for row in load_questions(need(data / "tofu", "holdout10"))]
        print(markdown(measure_latency(SentenceEmbedder(), targets, questions)))
