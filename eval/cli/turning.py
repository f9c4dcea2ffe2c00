"""`lethe eval turning`: compare avoidance strategies by how their answers read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.cli.console import reported


def turning(
    model: Annotated[Path, typer.Option(help="Folder of a model that knows TOFU.")],
    data: Annotated[Path, typer.Option(help="Folder of TOFU's files.")],
    every: Annotated[int, typer.Option(min=1, help="Ask every n-th of the 400 questions of forget10.")] = 5,
) -> None:
    """Compare avoidance strategies on TOFU forget10: perplexity of the rest, broken words, leaks."""
    with reported():
        from eval.experiments.avoidance_table import table

        for line in table(model, data, every):
            typer.echo(line)
