"""The command line of the evaluation: `lethe eval ...`."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eval.cli.attacks import attacks
from eval.cli.certificate import certificates
from eval.cli.console import bars, command, reported
from eval.cli.growth import growths
from eval.cli.reference_models import train_reference
from eval.cli.turning import turning

if TYPE_CHECKING:
    from eval.harness.options import Options

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.add_typer(certificates)
app.add_typer(growths)
app.add_typer(train_reference, name="train-reference")


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


_Model = Annotated[str, typer.Option(help="Folder or hub id of the model; for an endpoint the name it serves.")]
_Retain = Annotated[str, typer.Option(help="The model that never saw the forget set, run in the same harness.")]
_Data = Annotated[Path, typer.Option(help="Folder of the benchmark's files.")]
_Methods = Annotated[
    str,
    typer.Option(
        help="none, icu, keyword, decline, guard, guard-rewind, guard-beam; on TOFU uld, dd-linear, dd-rank; "
        "by an endpoint alu."
    ),
]
_Out = Annotated[Path, typer.Option(help="Folder of the result; an interrupted run in it is gone on with.")]
_Limit = Annotated[int, typer.Option(min=0, help="Rows of each set; 0: all.")]
_Seed = Annotated[int, typer.Option(help="Of whatever is drawn; decoding is greedy.")]
_Dtype = Annotated[Literal["float32", "bfloat16"], typer.Option(help="Arithmetic of reference and engine.")]
_Assistant = Annotated[Path | None, typer.Option(help="uld: folder of the assistant, named by its digest.")]
_Alpha = Annotated[float | None, typer.Option(help="uld: strength; default: the assistant's own.")]
_Filter = Annotated[float | None, typer.Option("--filter", help="uld: filter rate; default: the assistant's own.")]
_DdRetain = Annotated[str, typer.Option(help="dd-linear, dd-rank: model that never saw the forget set.")]
_DdForget = Annotated[str, typer.Option(help="dd-linear, dd-rank: model that saw it.")]
_DdAlpha = Annotated[float, typer.Option(help="dd-linear: strength.")]
_DdRank = Annotated[int, typer.Option(min=1, help="dd-rank: tokens forbidden at each position.")]
_RunWith = Annotated[Literal["reference", "engine", "endpoint"], typer.Option(help="How the model is asked.")]
_Endpoint = Annotated[str, typer.Option(help="Base URL of an OpenAI endpoint, without /v1.")]
_ScoreUrl = Annotated[str, typer.Option(help="Base URL of its scoring plane (lethe serve --eval-port).")]


@app.command()
def tofu(
    data: _Data,
    out: _Out,
    model: _Model = "",
    retain_model: _Retain = "",
    split: Annotated[
        Literal["forget01", "forget05", "forget10"], typer.Option(help="Who is forgotten.")
    ] = "forget10",
    methods: _Methods = "none,icu,keyword,decline,guard",
    limit: _Limit = 0,
    seed: _Seed = 0,
    dtype: _Dtype = "float32",
    run_with: _RunWith = "reference",
    endpoint: _Endpoint = "",
    score_url: _ScoreUrl = "",
    assistant: _Assistant = None,
    alpha: _Alpha = None,
    filter_rate: _Filter = None,
    dd_retain: _DdRetain = "",
    dd_forget: _DdForget = "",
    dd_alpha: _DdAlpha = 1.5,
    dd_rank: _DdRank = 20,
) -> None:
    """Replay TOFU: probability, ROUGE, truth ratio, forget quality, utility, membership."""
    with reported():
        from eval.methods.logit_difference_options import LogitDifferenceOptions
        from eval.replays import run_tofu

        logit_difference = LogitDifferenceOptions(
            assistant=assistant,
            alpha=alpha,
            filter_rate=filter_rate,
            dd_retain=dd_retain,
            dd_forget=dd_forget,
            dd_alpha=dd_alpha,
            dd_rank=dd_rank,
        )
        options = replace(
            _options(model, retain_model, data, out, methods, limit, seed, dtype, run_with, endpoint, score_url),
            logit_difference=logit_difference,
        )
        with bars() as progress:
            run_tofu(options, split, command(), progress)
        typer.echo((out / "report.md").read_text(encoding="utf-8"))


@app.command()
def muse(
    data: _Data,
    out: _Out,
    model: _Model = "",
    retain_model: _Retain = "",
    corpus: Annotated[Literal["news", "books"], typer.Option(help="Which corpus the data folder holds.")] = "news",
    methods: _Methods = "none,decline,guard",
    limit: _Limit = 0,
    seed: _Seed = 0,
    dtype: _Dtype = "float32",
    run_with: _RunWith = "reference",
    endpoint: _Endpoint = "",
    score_url: _ScoreUrl = "",
) -> None:
    """Replay MUSE: verbatim and knowledge memory of both sides, and privacy leakage."""
    with reported():
        from eval.metrics.membership import Corpus
        from eval.replays import run_muse

        options = _options(
            model, retain_model, data, out, methods, limit, seed, dtype, run_with, endpoint, score_url
        )
        with bars() as progress:
            run_muse(options, Corpus(corpus), command(), progress)
        typer.echo((out / "report.md").read_text(encoding="utf-8"))


@app.command()
def rwku(
    data: _Data,
    out: _Out,
    model: _Model,
    methods: _Methods = "none,icu,decline,guard",
    limit: _Limit = 0,
    seed: _Seed = 0,
    dtype: _Dtype = "float32",
    run_with: Annotated[
        Literal["reference", "engine"], typer.Option(help="How the model is asked.")
    ] = "reference",
) -> None:
    """Replay RWKU's probes on persons to forget and on their neighbours: ROUGE-L recall."""
    with reported():
        from eval.replays import run_rwku

        options = _options(model, "", data, out, methods, limit, seed, dtype, run_with)
        with bars() as progress:
            run_rwku(options, command(), progress)
        typer.echo((out / "report.md").read_text(encoding="utf-8"))


app.command()(turning)
app.command()(attacks)


@app.command()
def wpu(
    data: _Data,
    out: _Out,
    model: _Model,
    methods: _Methods = "none,decline,guard",
    limit: _Limit = 0,
    seed: _Seed = 0,
    dtype: _Dtype = "float32",
    run_with: Annotated[
        Literal["reference", "engine"], typer.Option(help="How the model is asked.")
    ] = "reference",
) -> None:
    """Replay WPU's questions on persons of little fame, alone and many-shot: the ROUGE family."""
    with reported():
        from eval.replays import run_wpu

        options = _options(model, "", data, out, methods, limit, seed, dtype, run_with)
        with bars() as progress:
            run_wpu(options, command(), progress)
        typer.echo((out / "report.md").read_text(encoding="utf-8"))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A result's folder, or FOLDER:RUN.")],
    b: Annotated[str, typer.Argument(help="Another, or the same with another run.")],
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap draws.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
) -> None:
    """Test the differences B - A of per-sample values by paired bootstrap; prints a Markdown table."""
    with reported():
        from eval.report.compare import compare as compared
        from eval.report.compare import side, table

        typer.echo(table(compared(side(a), side(b), draws, seed)))


@app.command()
def agree(
    a: Annotated[str, typer.Argument(help="A result's folder, or FOLDER:RUN.")],
    b: Annotated[str, typer.Argument(help="The same replay, run in another way.")],
) -> None:
    """Say whether two ways of running gave the same answers and likelihoods; prints a Markdown table."""
    with reported():
        from eval.report.agreement import agreement, table
        from eval.report.compare import side

        typer.echo(table(agreement(side(a), side(b))))


def _options(
    model: str,
    retain_model: str,
    data: Path,
    out: Path,
    methods: str,
    limit: int,
    seed: int,
    dtype: Literal["float32", "bfloat16"],
    run_with: str,
    endpoint: str = "",
    score_url: str = "",
) -> Options:
    from eval.harness.options import Options, RunWith, method_names

    return Options(
        model=model,
        retain_model=retain_model or None,
        data=data,
        out=out,
        methods=method_names(methods),
        run_with=RunWith(run_with),
        endpoint=endpoint,
        score_url=score_url,
        limit=limit or None,
        seed=seed,
        dtype=dtype,
    )
