"""`lethe bench`: what guarding costs on this machine, and where the time goes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import console, errors, reported

bench = typer.Typer(help="Compare the guarded endpoint with stock vLLM on this machine.")


@bench.callback(invoke_without_command=True)
def compare(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: the toy.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each case; medians are reported.")] = 3,
    tokens: Annotated[int, typer.Option(min=2, help="Tokens per answer in the throughput runs.")] = 64,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the toy and the logs.")] = None,
    minutes: Annotated[
        float, typer.Option(min=0, help="Limit of the measuring, shared by the policies; 0: none.")
    ] = 0,
) -> None:
    """Compare the guarded endpoint with stock vLLM on this machine, as ratios. What is measured by then is printed
    where it is interrupted."""
    if context.invoked_subcommand is not None:
        return
    import tempfile

    from serving import launch
    from serving.bench import run
    from serving.gguf.progress import progress
    from serving.settings import TOY, load

    comparison = run.Comparison()
    with reported():
        served = launch.resolve_model(load(model=model or None, data_dir=data_dir), TOY)
        with (
            tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder,
            progress("bench") as say,
            contextlib.suppress(KeyboardInterrupt),
        ):
            say("starting both servers")
            run.run(comparison, served, Path(folder), rounds, tokens, say, minutes)
    ratios = comparison.ratios()
    console.print(run.table(ratios))
    print(run.markdown(ratios))


@bench.command()
def resident(
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of throughput; medians are reported.")] = 3,
    tokens: Annotated[int, typer.Option(min=2, help="Tokens per answer in the throughput runs.")] = 64,
    adds: Annotated[int, typer.Option(min=2, help="Targets added one by one while streams run.")] = 100,
) -> None:
    """Measure 0, 100,000 and 1,000,000 always-on phrases, on the toy."""
    import tempfile

    from serving import launch
    from serving.bench import resident as measured
    from serving.settings import TOY, load

    with reported():
        served = launch.resolve_model(load(), TOY)
        with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder, console.status("starting") as status:
            print(measured.markdown(list(measured.run(served, Path(folder), rounds, tokens, adds, status.update))))


@bench.command()
def contextual(
    minutes: Annotated[
        float, typer.Option(min=0, help="Time for all of it; each case has one round at least.")
    ] = 15,
    targets: Annotated[
        list[int] | None,
        typer.Option(min=0, help="Contextual targets; may be repeated. Default: 0, 100, 100,000."),
    ] = None,
    tokens: Annotated[int, typer.Option(min=2, help="Tokens per answer in the throughput runs.")] = 64,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: the toy.")
    ] = None,
) -> None:
    """Measure what contextual targets cost requests that touch none. Stopped, it shows what it has measured."""
    import tempfile

    from serving import launch
    from serving.bench import contextual as measured
    from serving.bench import run
    from serving.settings import TOY, load

    ratios: list[run.Ratio] = []
    with reported():
        served = launch.resolve_model(load(model=model or None), TOY)
        counts = targets or measured.COUNTS
        try:
            with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
                # One by one, so that those measured before an interrupt are kept.
                ratios.extend(measured.run(served, Path(folder), counts, 60 * minutes, tokens, errors.print))
        finally:
            print(run.markdown(measured.merged(ratios)))


@bench.command()
def touched(
    minutes: Annotated[
        float, typer.Option(min=0, help="Time for all; each method has one question at least.")
    ] = 8,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: smollm2.")
    ] = None,
) -> None:
    """Measure answers about a well-known novel that is forgotten, by method, beside those without the target."""
    import tempfile

    from serving import launch
    from serving.bench import touched as measured
    from serving.bench.processes import guarded
    from serving.settings import SMOLLM2, load

    found: list[measured.Touched] = []
    with reported():
        served = launch.resolve_model(load(model=model or None), SMOLLM2)
        try:
            with (
                tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder,
                guarded(served, Path(folder)) as server,
            ):
                found.extend(measured.run(server, 60 * minutes, errors.print))
        finally:
            print(measured.markdown(found))


@bench.command()
def automaton(
    targets: Annotated[int, typer.Option(min=2, help="Invented people, with four phrases each.")] = 1_000,
) -> None:
    """Measure the memory and the building time of compiled phrases, and the time to compile one target more."""
    from serving.bench import automaton as measured

    print(measured.markdown(measured.run(targets)))


@bench.command()
def adversarial(
    seconds: Annotated[float, typer.Option(min=5, help="How long hostile requests are sent.")] = 30,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: the toy.")
    ] = None,
) -> None:
    """Measure what hostile requests, an import and a start do to everybody else."""
    import tempfile

    from serving import launch
    from serving.bench import adversarial as measured
    from serving.settings import TOY, load

    with reported():
        served = launch.resolve_model(load(model=model or None), TOY)
        with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder, console.status("starting") as status:
            print(measured.markdown(list(measured.run(served, Path(folder), seconds, status.update))))


@bench.command()
def readings(
    mib: Annotated[int, typer.Option(min=1, help="Length of the longest text, in MiB.")] = 1,
) -> None:
    """Measure whether reading a request takes time in proportion to its length."""
    from serving.bench import readings as measured

    print(measured.markdown(list(measured.run(mib))))


@bench.command()
def start(
    rounds: Annotated[int, typer.Option(min=1, help="Starts of each command; medians are reported.")] = 9,
) -> None:
    """Measure the processor time of commands that call no model: the cost of starting the command line."""
    from serving.bench import start as measured

    print(measured.markdown(list(measured.run(rounds))))


@bench.command()
def profile(
    out: Annotated[Path, typer.Option(help="The SVG file to write.")] = Path("profile.svg"),
    seconds: Annotated[int, typer.Option(min=1, help="How long is recorded.")] = 20,
    clients: Annotated[int, typer.Option(min=1, help="Streams at a time.")] = 32,
    targets: Annotated[int, typer.Option(min=0, help="Contextual targets, which no prompt touches.")] = 100,
    phrases: Annotated[int, typer.Option(min=0, help="Phrases that hold in every answer.")] = 100,
    tokens: Annotated[int, typer.Option(min=2, help="Tokens per answer.")] = 64,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: the toy.")
    ] = None,
) -> None:
    """Write a flame graph of the server and its engine's workers under load, recorded by py-spy."""
    import tempfile

    from serving import launch
    from serving.bench import profile as measured
    from serving.bench.processes import guarded
    from serving.bench.run import literals, people
    from serving.gguf.progress import progress
    from serving.settings import TOY, load

    with reported():
        measured.py_spy()
        served = launch.resolve_model(load(model=model or None), TOY)
        with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder, progress("profile") as say:
            say("starting the server")
            with guarded(served, Path(folder)) as server:
                policy = [*literals(phrases), *people(targets)]
                answers = measured.run(server, policy, measured.Recording(clients, tokens, seconds, out), say)
    console.print(f"{out}: {seconds} s under {clients} clients, {answers} answers of {tokens} tokens")


@bench.command()
def step(
    device: Annotated[str, typer.Option(help="cpu or cuda; default: cuda where there is one.")] = "",
    batch: Annotated[int, typer.Option(min=1, help="Rows of logits a step.")] = 256,
    steps: Annotated[int, typer.Option(min=2, help="Steps that are measured.")] = 200,
    vocabulary: Annotated[
        list[int] | None, typer.Option(min=100, help="Tokens; may be repeated. Default: 128,000 and 262,144.")
    ] = None,
    phrases: Annotated[
        list[int] | None,
        typer.Option(min=0, help="Phrases in force for every row; may be repeated. Default: 0, 100, 100,000."),
    ] = None,
) -> None:
    """Measure what the restriction adds to a decoding step on vLLM's V2 runner, without a model."""
    import torch

    from serving.bench import step as measured

    used = device or ("cuda" if torch.cuda.is_available() else "cpu")
    errors.print(f"{measured.device_name(used)}, {batch} rows")
    found = measured.run(
        used, batch, steps, vocabulary or measured.VOCABULARIES, measured.PHRASES if phrases is None else phrases
    )
    for line in measured.markdown(found):
        print(line, flush=True)
