"""`lethe eval over-restriction`: what invented forget targets would change in ordinary answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import reported


def over_restriction(
    data: Annotated[Path, typer.Option(help="Folder with TOFU's and RWKU's files in tofu/ and rwku/.")],
    targets: Annotated[
        str, typer.Option(help="Numbers of invented targets, separated by commas.")
    ] = "20,1000,100000",
    answers: Annotated[int, typer.Option(min=1, help="Number of ordinary answers.")] = 2000,
    seed: Annotated[int, typer.Option(help="Random seed of the invented targets and the drawn answers.")] = 0,
) -> None:
    """Measure the share of ordinary answers that invented targets of scope `always` would change, by set."""
    from eval.phrases.over_restriction import ordinary_answers
    from eval.phrases.over_restriction import over_restriction as measure

    with reported():
        given = ordinary_answers(data, answers, seed)
        for changed in measure(given, [int(count) for count in targets.split(",")], seed):
            share = f"{changed.share:.2%} of {changed.answers.total()} answers changed"
            typer.echo(f"{changed.targets} targets, {changed.phrases} phrases: {share}")
            for name, half in (("tuned on", changed.tuned_on), ("never looked at", changed.others)):
                typer.echo(f"  half {name}: {half.changed} of {half.answers}")
            for source, count in changed.answers.items():
                typer.echo(f"  {source}: {changed.changed[source]} of {count}")
            causes = ", ".join(f"{cause!r} {count}" for cause, count in changed.causes)
            typer.echo(f"  most frequent in the half tuned on: {causes}")
