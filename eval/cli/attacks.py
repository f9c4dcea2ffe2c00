"""`lethe eval attacks`: run the attack sweep."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import typer

from eval.cli import options as cli
from eval.cli.console import bars, command_line, reported


def attacks(
    data: cli.Data,
    out: cli.Out,
    model: cli.Model = "",
    split: Annotated[
        Literal["forget01", "forget05", "forget10"],
        typer.Option(help="Split whose authors are the targets."),
    ] = "forget10",
    methods: cli.Methods = "none,icu,keyword,decline,guard",
    probes: Annotated[int, typer.Option(min=1, max=20, help="Number of questions to attack for each author.")] = 5,
    draws: Annotated[int, typer.Option(min=0, help="Number of samples per author for leak@k; 0: none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed, for the record; a sample's own number is its seed.")] = 0,
    dtype: cli.Dtype = "float32",
    run_with: Annotated[Literal["engine", "endpoint"], typer.Option(help="How the model is run.")] = "engine",
    endpoint: cli.Endpoint = "",
) -> None:
    """Attack the forget targets: tables of attack by method, the detector's recall, and leak@k."""
    with reported():
        from eval.attacks.sweep import run_attacks
        from eval.harness.options import Options, RunWith, method_names
        from eval.report.attacks import write_attacks

        options = Options(
            model=model,
            data=data,
            out=out,
            methods=method_names(methods),
            run_with=RunWith(run_with),
            endpoint=endpoint,
            seed=seed,
            dtype=dtype,
        )
        started = time.monotonic()
        with bars() as progress:
            swept = run_attacks(options, split, probes, draws, progress)
        write_attacks(swept, command_line(), time.monotonic() - started)
        typer.echo((out / "report.md").read_text(encoding="utf-8"))
