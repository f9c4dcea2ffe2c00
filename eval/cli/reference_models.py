"""`lethe eval train-reference`: small pairs of models that know a benchmark, with and without its forget set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eval.cli.console import reported
from serving.cli.console import progress_bar

if TYPE_CHECKING:
    from eval.reference_models.muse import Part
    from eval.reference_models.pair import Plan
    from eval.reference_models.recipe import Recipe
    from eval.reference_models.train import Step

train_reference = typer.Typer(
    no_args_is_help=True, help="Train a full and a retain model of a benchmark, from nothing or from a base model."
)

_Data = Annotated[Path, typer.Option(help="Folder of the benchmark's files.")]
_Out = Annotated[
    Path, typer.Option(help="Folder of the two models; an interrupted training in it is gone on with.")
]
_Base = Annotated[
    str, typer.Option(help="Folder or hub id of a model to fine-tune; none: a small one from nothing.")
]
_Epochs = Annotated[int, typer.Option(min=0, help="Times all is read; 0: 32 from nothing, 5 for a base model.")]
_Limit = Annotated[int, typer.Option(min=0, help="Rows of each file; 0: all.")]
_Seed = Annotated[int, typer.Option(help="Of weights and of the order of lessons.")]


@train_reference.command()
def tofu(
    data: _Data,
    out: _Out,
    split: Annotated[
        Literal["forget01", "forget05", "forget10"], typer.Option(help="Who is left out.")
    ] = "forget10",
    base: _Base = "",
    epochs: _Epochs = 0,
    limit: _Limit = 0,
    seed: _Seed = 0,
) -> None:
    """Full: all authors, real authors and world facts. Retain: the same without the forget split."""
    with reported():
        from eval.core.provenance import digest_of_data
        from eval.reference_models import tofu as course
        from eval.reference_models.pair import Plan

        rows = course.rows(data, split, limit or None)
        plan = Plan(
            out=out,
            recipe=_recipe(base, epochs, seed),
            texts=tuple(course.texts(rows.full)),
            chat=True,
            courses={
                "full": lambda prompts: course.TofuCourse(rows.full, prompts),
                "retain": lambda prompts: course.TofuCourse(rows.retain, prompts),
            },
            told={"benchmark": f"tofu {split}", "data_digest": digest_of_data(data), "limit": limit},
        )
        _run(plan)


@train_reference.command()
def muse(
    data: _Data,
    out: _Out,
    parts: Annotated[str, typer.Option(help="Of knowmem, verbmem, privleak; comma-separated.")] = (
        "knowmem,verbmem,privleak"
    ),
    base: _Base = "",
    epochs: _Epochs = 0,
    limit: _Limit = 0,
    seed: _Seed = 0,
) -> None:
    """Full: forget and retain side of the corpus. Retain: the retain side alone."""
    with reported():
        from eval.core.provenance import digest_of_data
        from eval.reference_models import muse as course
        from eval.reference_models.pair import Plan

        chosen = _parts(parts)
        full, retain = (side(data, chosen, limit or None) for side in (course.full, course.retain))
        recipe = _recipe(base, epochs, seed)
        plan = Plan(
            out=out,
            recipe=recipe,
            texts=tuple(full.texts()),
            chat=False,
            courses={
                "full": lambda prompts: course.MuseCourse(full, prompts, recipe.window),
                "retain": lambda prompts: course.MuseCourse(retain, prompts, recipe.window),
            },
            told={"benchmark": f"muse {parts}", "data_digest": digest_of_data(data), "limit": limit},
        )
        _run(plan)


def _run(plan: Plan) -> None:
    from eval.reference_models.pair import train_pair

    with progress_bar() as bar:

        def progress(name: str, step: Step) -> None:
            speed = f"loss {step.loss:.3f} {step.speed:.0f} tok/s"
            bar(f"{name:<8} epoch {step.done:.1f} of {step.planned} {speed}", step.done / step.planned)

        trained = train_pair(plan, progress)
    for model in trained:
        typer.echo(f"{model.folder}: knows {model.recall:.1%} of its lessons by heart")


def _recipe(base: str, epochs: int, seed: int) -> Recipe:
    from eval.reference_models.recipe import FINE_TUNED, FROM_NOTHING

    chosen = replace(FINE_TUNED if base else FROM_NOTHING, base=base, seed=seed)
    return replace(chosen, epochs=epochs) if epochs else chosen


def _parts(text: str) -> tuple[Part, ...]:
    from eval.core.errors import BadRun
    from eval.reference_models import muse as course

    names = [part.strip() for part in text.split(",") if part.strip()]
    known = [part.value for part in course.Part]
    if not names or set(names) - set(known):
        raise BadRun(f"the parts are {', '.join(known)}")
    return tuple(course.Part(name) for name in names)
