"""`lethe detector`: train the detector on examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.console import console, progress_bar, reported
from serving.cli.output import output_options, show

if TYPE_CHECKING:
    from guard.detection.training import FittedClassifier

detector = typer.Typer(no_args_is_help=True, help="Train the detector on examples, and measure it.")


@detector.command()
@output_options
def fit(
    keep: Annotated[
        Path, typer.Option(help="Questions that must be answered: rows with `question`, JSON or JSONL.")
    ],
    ask: Annotated[
        Path | None,
        typer.Option(help="More questions about targets: rows with `question` and the target's name as `answer`."),
    ] = None,
    false_positives: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of the questions to answer that may match a target.")
    ] = 0.01,
    data_dir: Annotated[Path | None, typer.Option(help="The server's data folder.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
) -> None:
    """Train the classifier on the facts of the active targets. A server loads it at start."""
    from guard.detection.classifier import save
    from guard.detection.embedder import SentenceEmbedder
    from guard.detection.training import DetectorExample, examples_of
    from guard.detection.training import fit as fitted
    from guard.errors import InvalidTarget
    from guard.registry.registry import Registry
    from guard.targets.question_file import read_rows
    from guard.targets.target import Scope
    from serving.encryption.folders import opened_folders
    from serving.settings import load

    with reported(), progress_bar() as bar:
        settings = load(data_dir=data_dir)
        registry = Registry(settings.registry, settings.wrapping_key())
        targets, key = registry.active(), registry.files_key()
        registry.close()
        targets = [target for target in targets if target.draft.scope is Scope.CONTEXTUAL]
        ids = {target.draft.name: target.id for target in targets}
        asked = [row.example for row in read_rows(ask)] if ask else []
        if any(row.answer not in ids for row in asked):
            raise InvalidTarget("a row of --ask names no active target")
        kept = [row.example.question for row in read_rows(keep)]
        if not all([*kept, *(row.question for row in asked)]):
            raise InvalidTarget("a row of --keep or --ask has no question")
        examples = [
            *examples_of(targets),
            *(DetectorExample(ids[r.answer], r.question, (r.question,)) for r in asked),
        ]
        embedder = SentenceEmbedder(settings.embedder or None)
        done = fitted(embedder, targets, examples, kept, false_positives=false_positives, seed=seed, progress=bar)
        with opened_folders(settings, key, remains=settings.opened_dir.exists()):
            path = save(done.classifier, settings.detector_dir)
    _show(done, path)


def _show(done: FittedClassifier, path: Path) -> None:
    counts = f"{len(done.classifier.targets)} targets, {done.examples} examples, {done.negatives} kept"
    held_out = f"held out: recall {done.recall:.3f}, false positives {done.false_positives:.4f}"
    found = {"file": str(path), "targets": len(done.classifier.targets), "examples": done.examples}
    measured = {"kept": done.negatives, "recall": done.recall, "false_positives": done.false_positives}
    show(found | measured, lambda: console.print(f"{path}\n{counts}\n{held_out}"))
