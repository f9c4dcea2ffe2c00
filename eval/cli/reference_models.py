"""`lethe eval train-reference`: train pairs of models that know a benchmark, with and without its forget set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eval.cli.console import reported
from serving.cli.console import progress_bar

if TYPE_CHECKING:
    from eval.reference_models.muse import MuseCriterion
    from eval.reference_models.pair import PairPlan
    from eval.reference_models.recipe import ReferenceRecipe
    from eval.reference_models.train import TrainingProgress

train_reference = typer.Typer(
    no_args_is_help=True, help="Train a full and a retain model of a benchmark, new or from a base model."
)

_Data = Annotated[Path, typer.Option(help="Folder of the benchmark's files.")]
_Out = Annotated[Path, typer.Option(help="Folder of the two models. An interrupted training is resumed.")]
_Base = Annotated[
    str,
    typer.Option(
        help="Model to fine-tune, as `lethe serve` takes it: a folder, a hub id, a GGUF file, smollm2; "
        "default: train a small new one."
    ),
]
_Rank = Annotated[
    int, typer.Option(min=0, help="Rank of adapters (LoRA) trained in the place of the base model's weights.")
]
_Epochs = Annotated[int, typer.Option(min=0, help="Number of epochs; 0: 32 for a new model, 5 for a base model.")]
_Limit = Annotated[int, typer.Option(min=0, help="Maximum number of rows of each file; 0: all.")]
_Seed = Annotated[int, typer.Option(help="Random seed for weights and the order of examples.")]
_Threads = Annotated[int, typer.Option(min=1, help="Number of threads where there is no GPU.")]


@train_reference.command()
def tofu(
    data: _Data,
    out: _Out,
    split: Annotated[
        Literal["forget01", "forget05", "forget10"],
        typer.Option(help="Split that the retain model does not learn."),
    ] = "forget10",
    base: _Base = "",
    lora_rank: _Rank = 0,
    epochs: _Epochs = 0,
    authors: Annotated[
        int,
        typer.Option(min=0, help="Half of them of the split, half retained, and nothing else; 0: all."),
    ] = 0,
    limit: _Limit = 0,
    seed: _Seed = 0,
    threads: _Threads = 1,
) -> None:
    """Train a full model on all authors, and a retain model without the split.

    Both also learn real authors and world facts, except as adapters of a base model.
    """
    with reported():
        from eval.core.errors import BadRun
        from eval.core.provenance import digest_of_data
        from eval.reference_models.pair import PairPlan
        from eval.reference_models.tofu import TofuDataset, all_texts, load_authors, load_rows

        if authors and limit:
            raise BadRun("authors and limit are two ways to take a part: name one")
        taken = limit or None
        rows = (
            load_authors(data, split, authors) if authors else load_rows(data, split, taken, common=not lora_rank)
        )
        identity = {"benchmark": f"tofu {split}", "data_digest": digest_of_data(data), "limit": limit}
        plan = PairPlan(
            out=out,
            recipe=_recipe(base, lora_rank, epochs, seed),
            texts=tuple(all_texts(rows.full)),
            chat=True,
            datasets={
                "full": lambda encoder: TofuDataset(rows.full, encoder),
                "retain": lambda encoder: TofuDataset(rows.retain, encoder),
            },
            identity=identity | ({"authors": authors} if authors else {}),
        )
        _run(plan, threads)


@train_reference.command()
def muse(
    data: _Data,
    out: _Out,
    parts: Annotated[str, typer.Option(help="Criteria, comma-separated: knowmem, verbmem, privleak.")] = (
        "knowmem,verbmem,privleak"
    ),
    base: _Base = "",
    lora_rank: _Rank = 0,
    epochs: _Epochs = 0,
    limit: _Limit = 0,
    seed: _Seed = 0,
    threads: _Threads = 1,
) -> None:
    """Train a full model on forget and retain side of the corpus, and a retain model on the retain side alone."""
    with reported():
        from eval.core.provenance import digest_of_data
        from eval.reference_models.muse import MuseDataset, load_full, load_retain
        from eval.reference_models.pair import PairPlan

        criteria = _criteria(parts)
        full, retain = (load(data, criteria, limit or None) for load in (load_full, load_retain))
        recipe = _recipe(base, lora_rank, epochs, seed)
        plan = PairPlan(
            out=out,
            recipe=recipe,
            texts=tuple(full.texts()),
            chat=False,
            datasets={
                "full": lambda encoder: MuseDataset(full, encoder, recipe.window),
                "retain": lambda encoder: MuseDataset(retain, encoder, recipe.window),
            },
            identity={"benchmark": f"muse {parts}", "data_digest": digest_of_data(data), "limit": limit},
        )
        _run(plan, threads)


def _run(plan: PairPlan, threads: int) -> None:
    import torch

    from eval.reference_models.pair import train_pair

    torch.set_num_threads(threads)
    with progress_bar() as bar:

        def progress(name: str, now: TrainingProgress) -> None:
            left = f"{now.seconds_left / 60:.0f} min left"
            figures = f"loss {now.loss:.3f} {now.tokens_per_second:.0f} tok/s {left}"
            bar(f"{name:<8} epoch {now.done:.1f} of {now.planned} {figures}", now.done / now.planned)

        trained = train_pair(plan, progress)
    for model in trained:
        typer.echo(f"{model.folder}: reproduces {model.recall:.1%} of its training examples exactly")


def _recipe(base: str, lora_rank: int, epochs: int, seed: int) -> ReferenceRecipe:
    from eval.core.errors import BadRun
    from eval.reference_models.recipe import ADAPTED, FINE_TUNED, FROM_SCRATCH

    if not base:
        if lora_rank:
            raise BadRun("adapters are for a base model: name it with --base")
        recipe = FROM_SCRATCH
    else:
        recipe = replace(ADAPTED if lora_rank else FINE_TUNED, base=_resolved(base), lora_rank=lora_rank)
    return replace(recipe, epochs=epochs or recipe.epochs, seed=seed)


def _resolved(base: str) -> str:
    from serving.launch import resolve_model
    from serving.settings import load

    return resolve_model(load(model=base, engine=""))


def _criteria(text: str) -> tuple[MuseCriterion, ...]:
    from eval.core.errors import BadRun
    from eval.reference_models.muse import MuseCriterion

    names = [part.strip() for part in text.split(",") if part.strip()]
    known = [criterion.value for criterion in MuseCriterion]
    if not names or set(names) - set(known):
        raise BadRun(f"the parts are {', '.join(known)}")
    return tuple(MuseCriterion(name) for name in names)
