"""`lethe eval attacks`: run the attack sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from eval.cli.console import bars, command, reported


def attacks(
    data: Annotated[Path, typer.Option(help="Folder of TOFU's files.")],
    out: Annotated[Path, typer.Option(help="Result folder. An interrupted run is resumed.")],
    model: Annotated[str, typer.Option(help="Model folder; for an endpoint, the name of the served model.")] = "",
    split: Annotated[
        Literal["forget01", "forget05", "forget10"], typer.Option(help="Split whose authors are the targets.")
    ] = "forget10",
    methods: Annotated[str, typer.Option(help="As in `lethe eval tofu`.")] = "none,icu,keyword,decline,guard",
    probes: Annotated[int, typer.Option(min=1, max=20, help="Number of questions to attack for each author.")] = 5,
    draws: Annotated[int, typer.Option(min=0, help="Number of samples per author for leak@k; 0: none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed, for the record; a sample's own number is its seed.")] = 0,
    dtype: Annotated[Literal["float32", "bfloat16"], typer.Option(help="Data type of the engine.")] = "float32",
    run_with: Annotated[Literal["engine", "endpoint"], typer.Option(help="How to run the model.")] = "engine",
    endpoint: Annotated[str, typer.Option(help="Base URL of an OpenAI endpoint, without /v1.")] = "",
) -> None:
    """Attack the forget targets: tables of attack by method, the detector's recall, and leak@k."""
    with reported():
        from eval.attacks.sweep import run_attacks
        from eval.harness.options import Options, RunWith, method_names

        options = Options(
            model=model,
            retain_model=None,
            data=data,
            out=out,
            methods=method_names(methods),
            run_with=RunWith(run_with),
            endpoint=endpoint,
            seed=seed,
            dtype=dtype,
        )
        with bars() as progress:
            run_attacks(options, split, probes, draws, command(), progress)
        typer.echo((out / "report.md").read_text(encoding="utf-8"))
