"""Options that several commands of the evaluation share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Data = Annotated[Path, typer.Option(help="Folder of the benchmark's files.")]
Out = Annotated[Path, typer.Option(help="Result folder. An interrupted run is resumed.")]
Model = Annotated[str, typer.Option(help="Folder or hub id of the model; for an endpoint the name it serves.")]
RetainModel = Annotated[str, typer.Option(help="Model that never saw the forget set, run in the same harness.")]
Methods = Annotated[
    str,
    typer.Option(
        help="none, icu, keyword, decline, guard, guard-rewind, guard-beam; on TOFU uld, guard-uld, dd-linear, "
        "dd-rank; with an endpoint alu."
    ),
]
Limit = Annotated[int, typer.Option(min=0, help="Maximum number of rows of each set; 0: all.")]
Seed = Annotated[int, typer.Option(help="Random seed for sampling; decoding is greedy.")]
Dtype = Annotated[Literal["float32", "bfloat16"], typer.Option(help="Arithmetic of reference and engine.")]
Device = Annotated[Literal["cpu", "cuda"], typer.Option(help="Where the reference runs.")]
RunWith = Annotated[Literal["reference", "engine", "endpoint"], typer.Option(help="How the model is run.")]
RunLocally = Annotated[Literal["reference", "engine"], typer.Option(help="How the model is run.")]
Endpoint = Annotated[str, typer.Option(help="Base URL of an OpenAI endpoint, without /v1.")]
ScoreUrl = Annotated[str, typer.Option(help="Base URL of its scoring plane (lethe serve --eval-port).")]

Assistant = Annotated[
    Path | None, typer.Option(help="uld, guard-uld: folder of the assistant, named by its digest.")
]
Alpha = Annotated[float | None, typer.Option(help="uld, guard-uld: strength; default: the assistant's own.")]
FilterRate = Annotated[
    float | None, typer.Option("--filter", help="uld, guard-uld: filter rate; default: the assistant's own.")
]
DdRetain = Annotated[str, typer.Option(help="dd-linear, dd-rank: model that never saw the forget set.")]
DdForget = Annotated[str, typer.Option(help="dd-linear, dd-rank: model that saw it.")]
DdAlpha = Annotated[float, typer.Option(help="dd-linear: strength.")]
DdRank = Annotated[int, typer.Option(min=1, help="dd-rank: number of tokens forbidden at each position.")]
