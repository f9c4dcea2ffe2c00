"""`lethe detector`: train the detector on examples, and measure it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from guard.errors import LetheError

detector = typer.Typer(no_args_is_help=True, help="Train the detector on examples, and measure it.")
console = Console()
errors = Console(stderr=True)


@detector.command()
def fit(
    keep: Annotated[
        Path, typer.Option(help="Questions that are to be answered: rows with `question`, JSON or JSON Lines.")
    ],
    ask: Annotated[
        Path | None,
        typer.Option(help="More questions about targets: rows with `question` and the target's name as `answer`."),
    ] = None,
    false_positives: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of what is to be answered that may match a target.")
    ] = 0.01,
    data_dir: Annotated[Path | None, typer.Option(help="The server's data folder.")] = None,
    seed: int = 0,
) -> None:
    """Train the classifier of the active targets' facts; a server takes it when it starts."""
    from eval.benchmarks.files import load_questions
    from guard.detection.classifier import save
    from guard.detection.embedder import SentenceEmbedder
    from guard.detection.training import Example, examples_of
    from guard.detection.training import fit as fitted
    from guard.errors import InvalidTarget
    from guard.targets.registry import Registry
    from guard.targets.target import Scope
    from serving.settings import load

    with _reported(), _bar() as bar:
        settings = load(data_dir=data_dir)
        registry = Registry(settings.database)
        targets = [target for target in registry.active() if target.draft.scope is Scope.CONTEXTUAL]
        registry.close()
        ids = {target.draft.name: target.id for target in targets}
        more = load_questions(ask) if ask else ()
        if any(row.answer not in ids for row in more):
            raise InvalidTarget("a row of --ask names no active target")
        examples = [*examples_of(targets), *(Example(ids[r.answer], r.question, (r.question,)) for r in more)]
        kept = [row.question for row in load_questions(keep)]
        embedder = SentenceEmbedder(settings.embedder or None)
        done = fitted(embedder, targets, examples, kept, false_positives=false_positives, seed=seed, progress=bar)
        path = save(done.classifier, settings.detector_dir)
    console.print(f"{path}\n{len(done.classifier.targets)} targets, {done.examples} examples, {done.kept} kept")
    console.print(f"held out: recall {done.recall:.3f}, false positives {done.false_positives:.4f}")


@detector.command()
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

    with _reported(), _bar() as bar:
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


@detector.command()
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

    with _reported():
        questions = [row.question for row in load_questions(need(data / "tofu", "holdout10"))]
        print(markdown(measure_latency(SentenceEmbedder(), targets, questions)))


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except LetheError as error:
        errors.print(f"[red]{error.code}[/red] {error.message}")
        raise typer.Exit(1) from None


@contextmanager
def _bar() -> Iterator[Callable[[str, float], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda what, share: progress.update(task, description=what, completed=share)
