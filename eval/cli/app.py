"""The command line of the evaluation: `lethe eval ...`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from eval.cli.attacks import attacks
from eval.cli.certificate import certificates
from eval.cli.console import reported
from eval.cli.endpoints import elicitation, endpoints
from eval.cli.growth import growths
from eval.cli.over_restriction import over_restriction
from eval.cli.reference_models import train_reference
from eval.cli.replays import ReplayGroup
from eval.cli.turning import turning

app = typer.Typer(cls=ReplayGroup, no_args_is_help=True, add_completion=False)
app.add_typer(certificates)
app.add_typer(growths)
app.add_typer(endpoints)
app.add_typer(train_reference, name="train-reference")


@app.callback()
def evaluation() -> None:
    """Replay unlearning benchmarks, and recompute published results."""


@app.command()
def rescore(
    log: Annotated[Path, typer.Argument(help="A log (.json, .json.gz); for muse also the run's folder.")],
    retain_log: Annotated[Path | None, typer.Option(help="The retain model's log, of the same format.")] = None,
    format: Annotated[
        Literal["openunlearning", "tofu", "muse"] | None,
        typer.Option(help="Format of the log; detected by default."),
    ] = None,
) -> None:
    """Recompute every aggregate of a log from its per-sample values; prints one JSON object."""
    # scipy is loaded only by the commands that need it.
    from eval.rescore import rescore as rescoring

    with reported():
        scores = rescoring.rescore(log, retain_log, rescoring.Format(format) if format else None)
    for note in scores.notes:
        typer.echo(note, err=True)
    for name, value in scores.values.items():
        if not math.isfinite(value):
            typer.echo(f"{name}: {value} in the log's samples, null below", err=True)
    finite = {name: value if math.isfinite(value) else None for name, value in scores.values.items()}
    typer.echo(json.dumps(finite, indent=2, allow_nan=False))


app.command()(turning)
app.command()(attacks)
app.command()(over_restriction)
app.command()(elicitation)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A result's folder, or FOLDER:RUN.")],
    b: Annotated[str, typer.Argument(help="Another, or the same with another run.")],
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap draws.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Random seed of the draws.")] = 0,
) -> None:
    """Test the differences B - A of per-sample values by paired bootstrap; prints a Markdown table."""
    with reported():
        from eval.report.compare import compare as compared
        from eval.report.compare import side, table

        typer.echo(table(compared(side(a), side(b), draws, seed)))


@app.command()
def agree(
    a: Annotated[str, typer.Argument(help="A result's folder, or FOLDER:RUN.")],
    b: Annotated[str, typer.Argument(help="The same replay, run another way.")],
) -> None:
    """Compare the answers and likelihoods of one replay run in two ways; prints a Markdown table."""
    with reported():
        from eval.report.agreement import agreement, table
        from eval.report.compare import side

        typer.echo(table(agreement(side(a), side(b))))
