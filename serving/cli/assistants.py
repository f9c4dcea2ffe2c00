"""`lethe assistant`: train, compare, promote and retire ULD's assistants."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.console import console, progress_bar, reported
from serving.cli.output import output_options, print_table, show

# torch and the models are loaded only by the commands that need them.
if TYPE_CHECKING:
    from guard.uld.train import EpochLosses

assistants = typer.Typer(no_args_is_help=True, help="Train, compare, promote and retire ULD assistants.")
Store = Annotated[Path, typer.Option("--dir", help="Folder of assistants.", envvar="LETHE_ASSISTANTS")]
STORE = Path(".lethe/assistants")


@assistants.command()
@output_options
def train(
    model: Annotated[str, typer.Option(help="Folder of the target model.")],
    forget: Annotated[Path, typer.Option(help="File to forget: questions and answers, or targets.")],
    retain: Annotated[Path, typer.Option(help="File to retain, in the same format.")],
    directory: Store = STORE,
    layers: Annotated[int, typer.Option(min=0, help="First layers to keep; 0: a quarter of the model's.")] = 0,
    whole: Annotated[bool, typer.Option(help="Full fine-tuning of the layers instead of LoRA.")] = False,
    rank: Annotated[int, typer.Option(min=1, help="LoRA rank.")] = 32,
    epochs: Annotated[int, typer.Option(min=1, help="Training epochs.")] = 10,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 1e-3,
    retain_weight: Annotated[float, typer.Option(help="Weight of the retain loss.")] = 6.5,
    batch: Annotated[int, typer.Option(min=1, help="Forget examples per step.")] = 16,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    target: Annotated[list[str] | None, typer.Option(help="Id of a forget target; may be repeated.")] = None,
    never_saw: Annotated[
        str, typer.Option(help="Folder of a model that never saw the texts: learn the difference from it.")
    ] = "",
) -> None:
    """Train an assistant. An interrupted training is resumed."""
    from guard.targets.question_file import read_rows
    from guard.uld.assistant import Assistants, Training
    from guard.uld.corpus import Corpus
    from guard.uld.train import Recipe
    from guard.uld.train import train as trained
    from guard.uld.truncated_model import depth

    began = time.monotonic(), time.process_time()
    with reported(), progress_bar() as bar:
        recipe = Recipe(
            layers=layers or max(1, round(depth(model) / 4)),
            training=Training.FULL if whole else Training.LORA,
            rank=rank,
            epochs=epochs,
            rate=rate,
            retain_weight=retain_weight,
            batch=batch,
            seed=seed,
        )
        corpus = Corpus.build(read_rows(forget), read_rows(retain), seed)

        def report(share: float, past: Sequence[EpochLosses]) -> None:
            losses = f"  forget {past[-1].forget:.3f} retain {past[-1].retain:.3f}" if past else ""
            bar(f"epoch {min(len(past) + 1, epochs)}/{epochs}{losses}", share)

        assistant = trained(model, corpus, recipe, Assistants(directory), report, target or [], never_saw or None)
    wall, cpu = time.monotonic() - began[0], time.process_time() - began[1]
    said = f"{assistant.digest}\n{wall:.0f} s, {cpu:.0f} s of processor time"
    found = {"digest": assistant.digest, "wall_s": round(wall, 1), "cpu_s": round(cpu, 1)}
    show(found, lambda: console.print(said, highlight=False), [assistant.digest])


@assistants.command("list")
@output_options
def list_(directory: Store = STORE) -> None:
    """List assistants and their status."""
    from guard.uld.assistant import Assistants, Status

    rows, found = [], []
    for standing in Status:
        for assistant in Assistants(directory).list(standing):
            m = assistant.manifest
            found.append({"digest": assistant.digest, "standing": standing} | asdict(m))
            numbers = (f"{m.layers}", m.training, f"{m.epochs}", f"{m.seed}")
            losses = (f"{m.forget_loss:.3f}", f"{m.retain_loss:.3f}")
            rows.append((assistant.digest[:12], standing, *numbers, *losses))
    columns = ("assistant", "standing", "layers", "training", "epochs", "seed", "forget", "retain")
    show({"assistants": found}, lambda: print_table(columns, rows), (str(one["digest"]) for one in found))


@assistants.command("show")
@output_options
def show_(digest: str, directory: Store = STORE) -> None:
    """Show an assistant's manifest. A prefix of its digest is enough."""
    from guard.uld.assistant import Assistants

    with reported():
        standing, assistant = Assistants(directory).find(digest)
    described = {"digest": assistant.digest, "standing": standing, "folder": str(assistant.folder)}
    found = described | asdict(assistant.manifest)
    show(found, lambda: console.print_json(data=found), [assistant.digest])


@assistants.command()
@output_options
def promote(
    digest: str,
    model: Annotated[str, typer.Option(help="Folder of the model that it will be served with.")],
    directory: Store = STORE,
) -> None:
    """Serve an assistant, after a check of its files and of the model that it was trained on."""
    from guard.uld.assistant import Assistants

    with reported():
        promoted = Assistants(directory).promote(digest, model).digest
    found = {"digest": promoted, "standing": "promoted"}
    show(found, lambda: console.print(f"{promoted[:12]} promoted"), [promoted])


@assistants.command()
@output_options
def retire(digest: str, directory: Store = STORE) -> None:
    """Stop serving an assistant; its targets are handled by their other methods."""
    from guard.uld.assistant import Assistants

    with reported():
        retired = Assistants(directory).retire(digest)
    found = {"digest": retired, "standing": "retired"}
    show(found, lambda: console.print(f"{retired[:12]} retired"), [retired])


@assistants.command()
def bench(
    digest: Annotated[str, typer.Argument(help="Prefix of the digest of a promoted assistant.")],
    model: Annotated[str, typer.Option(help="Folder of the target model.")],
    tokens: Annotated[int, typer.Option(min=2, help="Tokens per answer.")] = 96,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each case; medians are reported.")] = 5,
    directory: Store = STORE,
) -> None:
    """Measure the cost of serving with an assistant, relative to the same engine without, at batch 1, 8 and 32."""
    from guard.uld.assistant import Assistants, Status
    from serving.bench.uld import markdown, measure

    with reported():
        promoted = Assistants(directory).folder(Status.PROMOTED)
        full = Assistants(directory).find(digest)[1].digest
        print(markdown(measure(model, promoted, full, (1, 8, 32), tokens, rounds)))
