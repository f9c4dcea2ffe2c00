"""`lethe assistant`: train, compare, promote and retire ULD's assistants."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from guard.errors import LetheError

# torch and the models are loaded only by the commands that need them.
if TYPE_CHECKING:
    from eval.uld.grid import GridSetting
    from guard.uld.assistant import Assistant
    from guard.uld.train import Epoch

assistants = typer.Typer(no_args_is_help=True, help="Train, compare, promote and retire ULD assistants.")
console = Console()
errors = Console(stderr=True)
Store = Annotated[Path, typer.Option("--dir", help="Folder of assistants.", envvar="LETHE_ASSISTANTS")]
STORE = Path(".lethe/assistants")


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


@assistants.command()
def train(
    model: Annotated[str, typer.Option(help="Folder of the target model.")],
    forget: Annotated[Path, typer.Option(help="What is to be forgotten: questions and answers, or targets.")],
    retain: Annotated[Path, typer.Option(help="What is to be kept, in the same form.")],
    directory: Store = STORE,
    layers: Annotated[int, typer.Option(min=0, help="First layers to take; 0: a quarter of the model's.")] = 0,
    whole: Annotated[bool, typer.Option(help="Train all weights of the layers, not a low-rank change.")] = False,
    rank: Annotated[int, typer.Option(min=1, help="Rank of the low-rank change.")] = 32,
    epochs: Annotated[int, typer.Option(min=1)] = 10,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 1e-3,
    retain_weight: Annotated[float, typer.Option(help="Weight of knowing nothing against remembering.")] = 6.5,
    batch: Annotated[int, typer.Option(min=1, help="Forget examples of a step.")] = 16,
    seed: int = 0,
    target: Annotated[list[str] | None, typer.Option(help="Id of a forget target it serves; repeatable.")] = None,
) -> None:
    """Train an assistant; one that was killed goes on where it was."""
    from guard.targets.question_file import read_rows
    from guard.uld.assistant import Assistants, Training
    from guard.uld.corpus import Corpus
    from guard.uld.train import Recipe
    from guard.uld.train import train as trained
    from guard.uld.truncated_model import depth

    began = time.monotonic(), time.process_time()
    with _reported(), _bar() as bar:
        recipe = Recipe(
            layers=layers or max(1, round(depth(model) / 4)),
            training=Training.WHOLE if whole else Training.LOW_RANK,
            rank=rank,
            epochs=epochs,
            rate=rate,
            retain_weight=retain_weight,
            batch=batch,
            seed=seed,
        )
        corpus = Corpus.build(read_rows(forget), read_rows(retain), seed)

        def report(share: float, past: Sequence[Epoch]) -> None:
            losses = f"  forget {past[-1].forget:.3f} retain {past[-1].retain:.3f}" if past else ""
            bar(f"epoch {min(len(past) + 1, epochs)}/{epochs}{losses}", share)

        assistant = trained(model, corpus, recipe, Assistants(directory), report, target or [])
    wall, cpu = time.monotonic() - began[0], time.process_time() - began[1]
    console.print(f"{assistant.digest}\n{wall:.0f} s, {cpu:.0f} s of processor time", highlight=False)


@assistants.command("list")
def list_(directory: Store = STORE) -> None:
    """List assistants and where they stand."""
    from guard.uld.assistant import Assistants, Standing

    table = Table("assistant", "standing", "layers", "training", "epochs", "seed", "forget", "retain")
    for standing in Standing:
        for assistant in Assistants(directory).list(standing):
            m = assistant.manifest
            numbers = (f"{m.layers}", m.training, f"{m.epochs}", f"{m.seed}")
            losses = (f"{m.forget_loss:.3f}", f"{m.retain_loss:.3f}")
            table.add_row(assistant.digest[:12], standing, *numbers, *losses)
    console.print(table)


@assistants.command()
def show(digest: str, directory: Store = STORE) -> None:
    """Show an assistant's manifest; the start of its digest is enough."""
    from guard.uld.assistant import Assistants

    with _reported():
        standing, assistant = Assistants(directory).find(digest)
    described = {"digest": assistant.digest, "standing": standing, "folder": str(assistant.folder)}
    console.print_json(data=described | asdict(assistant.manifest))


@assistants.command()
def promote(
    digest: str,
    model: Annotated[str, typer.Option(help="Folder of the model it will be served with.")],
    directory: Store = STORE,
) -> None:
    """Let an assistant be served, once its files and the model it was trained on are checked."""
    from guard.uld.assistant import Assistants

    with _reported():
        promoted = Assistants(directory).promote(digest, model).digest
    console.print(f"{promoted[:12]} promoted")


@assistants.command()
def retire(digest: str, directory: Store = STORE) -> None:
    """Take an assistant out of service; its targets are answered by the other methods alone."""
    from guard.uld.assistant import Assistants

    with _reported():
        retired = Assistants(directory).retire(digest)
    console.print(f"{retired[:12]} retired")


@assistants.command()
def sweep(
    model: Annotated[str, typer.Option(help="Folder of the target model.")],
    never_saw: Annotated[str, typer.Option(help="Folder of the model trained without the forget set.")],
    tofu: Annotated[Path, typer.Option(help="Folder of TOFU's files.")],
    out: Annotated[Path, typer.Option(help="Folder for table.md and alpha.svg.")],
    assistant: Annotated[list[str] | None, typer.Option(help="Start of a digest; may be repeated.")] = None,
    alpha: Annotated[list[float] | None, typer.Option(help="Strength of ULD; may be repeated.")] = None,
    filter_rate: Annotated[list[float] | None, typer.Option("--filter", help="Rate of ULD's filter.")] = None,
    dd_retain: Annotated[str, typer.Option(help="Divergence Decoding's model without the forget set.")] = "",
    dd_forget: Annotated[str, typer.Option(help="Divergence Decoding's model with the forget set.")] = "",
    dd_alpha: Annotated[list[float] | None, typer.Option(help="Strength of DD linear; may be repeated.")] = None,
    dd_rank: Annotated[list[int] | None, typer.Option(help="Tokens DD rank forbids; may be repeated.")] = None,
    quick: Annotated[bool, typer.Option(help="Forget quality alone, without utility and ROUGE.")] = False,
    split: Annotated[str, typer.Option(help="forget01, forget05 or forget10.")] = "forget10",
    directory: Store = STORE,
) -> None:
    """Compare strengths on TOFU before promoting: what is forgotten, and what it costs."""
    from eval.uld.grid import DifferenceMethod, GridSetting
    from eval.uld.sweep import ModelFolders, Sweep
    from eval.uld.table import markdown, strength_chart
    from guard.detection.embedder import SentenceEmbedder
    from guard.uld.assistant import Assistants

    with _reported(), _bar() as bar:
        chosen = [Assistants(directory).find(start)[1] for start in assistant or []]
        settings = _uld_settings(chosen, alpha or [], filter_rate or [])
        settings += [GridSetting(DifferenceMethod.DD_LINEAR, strength) for strength in dd_alpha or []]
        settings += [GridSetting(DifferenceMethod.DD_RANK, count) for count in dd_rank or []]
        folders = ModelFolders(model, never_saw, dd_retain, dd_forget)
        sweeping = Sweep(folders, chosen, tofu, split, SentenceEmbedder(), bar)  # type: ignore[arg-type]
        rows = sweeping.forget_rows(settings) if quick else sweeping.full_rows(settings)
        table, drawn = markdown(rows), strength_chart(rows)
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.md").write_text(table, encoding="utf-8")
    (out / "alpha.svg").write_text(drawn, encoding="utf-8")
    print(table)
    shares = [f"{name} {fired.mean():.3f}" for name, fired in zip(SETS, sweeping.gate_fires, strict=True)]
    print(f"gate fires: {', '.join(shares)}, paraphrased forget questions {sweeping.paraphrases_gated:.3f}")


@assistants.command()
def bench(
    digest: Annotated[str, typer.Argument(help="Start of the digest of a promoted assistant.")],
    model: Annotated[str, typer.Option(help="Folder of the target model.")],
    tokens: Annotated[int, typer.Option(min=2, help="Tokens of an answer.")] = 96,
    rounds: Annotated[int, typer.Option(min=1, help="Times each case is measured; medians are reported.")] = 5,
    directory: Store = STORE,
) -> None:
    """Measure what serving with an assistant costs, against the same engine without, at batch 1, 8 and 32."""
    from guard.uld.assistant import Assistants, Standing
    from serving.bench.uld import markdown, measure

    with _reported():
        promoted = Assistants(directory).folder(Standing.PROMOTED)
        full = Assistants(directory).find(digest)[1].digest
        print(markdown(measure(model, promoted, full, (1, 8, 32), tokens, rounds)))


SETS = ("forget", "retain", "real authors", "world facts")


def _uld_settings(
    chosen: Sequence[Assistant], alphas: Sequence[float], rates: Sequence[float]
) -> list[GridSetting]:
    from eval.uld.grid import DifferenceMethod, GridSetting

    return [
        GridSetting(DifferenceMethod.ULD, strength, rate, one.digest)
        for one in chosen
        for rate in rates or [one.manifest.filter_rate]
        for strength in alphas or [one.manifest.alpha]
    ]
