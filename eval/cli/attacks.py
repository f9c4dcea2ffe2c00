"""`lethe eval attacks`: the attack sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from eval.cli.console import bars, command, reported


def attacks(
    data: Annotated[Path, typer.Option(help="Folder of TOFU's files.")],
    out: Annotated[Path, typer.Option(help="Folder of the result; an interrupted run in it is gone on with.")],
    model: Annotated[str, typer.Option(help="Folder of the model; for an endpoint the name it serves.")] = "",
    split: Annotated[
        Literal["forget01", "forget05", "forget10"], typer.Option(help="Whose authors are the targets.")
    ] = "forget10",
    methods: Annotated[str, typer.Option(help="As in `lethe eval tofu`.")] = "none,icu,keyword,decline,guard",
    probes: Annotated[int, typer.Option(min=1, max=20, help="Questions attacked of every author.")] = 5,
    draws: Annotated[int, typer.Option(min=0, help="Draws for leak@k, per author; 0: none.")] = 1000,
    seed: Annotated[int, typer.Option(help="Recorded; a draw's own number is its seed.")] = 0,
    dtype: Annotated[Literal["float32", "bfloat16"], typer.Option(help="Arithmetic of the engine.")] = "float32",
    run_with: Annotated[Literal["engine", "endpoint"], typer.Option(help="How the model is asked.")] = "engine",
    endpoint: Annotated[str, typer.Option(help="Base URL of an OpenAI endpoint, without /v1.")] = "",
) -> None:
    """Attack the forgotten: tables of attack by method, the detector's share, and leak@k."""
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
