"""The command line of the evaluation: `lethe eval ...`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from guard.errors import LetheError

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def evaluation() -> None:
    """Replay unlearning benchmarks, and check the numbers of others."""


@app.command()
def rescore(
    log: Annotated[Path, typer.Argument(help="A log (.json, .json.gz); for muse also the run's folder.")],
    retain_log: Annotated[Path | None, typer.Option(help="The retain model's log, of the same format.")] = None,
    format: Annotated[
        Literal["openunlearning", "tofu", "muse"] | None,
        typer.Option(help="Whose log it is; found out where not given."),
    ] = None,
) -> None:
    """Recompute every aggregate of a log from its per-sample values; prints one JSON object."""
    # scipy is loaded only by the commands that need it.
    from eval import rescore as rescoring

    try:
        scores = rescoring.rescore(log, retain_log, rescoring.Format(format) if format else None)
    except LetheError as error:
        typer.echo(f"{error.code}: {error.message}", err=True)
        raise typer.Exit(1) from None
    for note in scores.notes:
        typer.echo(note, err=True)
    for name, value in scores.values.items():
        if not math.isfinite(value):
            typer.echo(f"{name}: {value} in the log's samples, null below", err=True)
    finite = {name: value if math.isfinite(value) else None for name, value in scores.values.items()}
    typer.echo(json.dumps(finite, indent=2, allow_nan=False))
