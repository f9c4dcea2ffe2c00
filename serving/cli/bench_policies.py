"""Commands of `lethe bench` about policies: what their registry costs, and what steady changes do to a server."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import console, reported

TOKENS = 64


def encryption(
    targets: Annotated[int, typer.Option(min=1, help="Targets in the registry beforehand.")] = 2_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; medians are reported.")] = 5,
    answers: Annotated[
        int,
        typer.Option(min=0, help="Rounds of throughput, 8 pairs of loads each, of two servers; 0: none."),
    ] = 0,
    memory: Annotated[Path, typer.Option(help="A folder in memory, for policies.")] = Path("/dev/shm"),
) -> None:
    """Measure what encryption at rest adds to a start, to changes of targets, to searches, and to answers.

    Stopped, it shows what it has measured."""
    import tempfile

    from serving import launch
    from serving.bench.registry import encryption as measured
    from serving.gguf.progress import progress
    from serving.settings import TOY, load

    costs: list[measured.Cost] = []
    answered: list[measured.Cost] = []
    with reported():
        try:
            with progress("encryption") as say:
                costs += measured.run(targets, rounds, memory, say)
                if answers:
                    served = launch.resolve_model(load(), TOY)
                    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
                        for cost in measured.throughput(served, Path(folder), memory, answers, TOKENS, say):
                            answered = [cost]
        finally:
            print(measured.markdown([*costs, *answered]))


def soak(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long the load lasts.")] = 30,
    tokens: Annotated[int, typer.Option(min=2, help="Tokens per answer.")] = 32,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: the toy.")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--stock", help="Load stock vLLM instead, without changes: what grows is the engine's.")
    ] = False,
) -> None:
    """Load a server at 60 % of its capacity, change a target every second, and measure whether memory, files,
    threads or latencies grow. Stopped, it shows what it has measured."""
    import tempfile

    from serving import launch
    from serving.bench.processes import guarded, stock
    from serving.bench.soak import report, run
    from serving.gguf.progress import progress
    from serving.settings import TOY, load

    measured = run.Soak()
    with reported():
        served = launch.resolve_model(load(model=model or None), TOY)
        with (
            tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder,
            progress("soak") as say,
            contextlib.suppress(KeyboardInterrupt),
        ):
            say("starting the server")
            with (stock if alone else guarded)(served, Path(folder)) as server:
                run.run(measured, server, run.Plan(60 * minutes, tokens), say)
    print(report.markdown(measured))


def replicas(
    database: Annotated[
        str, typer.Option(help="URL of an empty PostgreSQL database, or of one that an earlier run filled.")
    ],
    targets: Annotated[int, typer.Option(min=1, help="Contextual targets in the registry.")] = 100_000,
    adds: Annotated[int, typer.Option(min=2, help="Targets of each kind added one by one.")] = 100,
    servers: Annotated[int, typer.Option(min=1, max=2, help="Servers, each with an engine of its own.")] = 2,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: the toy.")
    ] = None,
) -> None:
    """Start servers on one PostgreSQL database of many targets, and change targets at each of them in turn.
    Stopped, it shows what it has measured."""
    import tempfile

    from serving import launch
    from serving.bench.registry import replicas as measured
    from serving.gguf.progress import progress
    from serving.settings import TOY, load

    figures: list[measured.Figure] = []
    with reported():
        served = launch.resolve_model(load(model=model or None), TOY)
        try:
            with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder, progress("replicas") as say:
                figures.extend(measured.run(served, Path(folder), database, targets, adds, servers, say))
        finally:
            print(measured.markdown(figures))


def sets(
    targets: Annotated[int, typer.Option(min=2, help="Targets in force, half of them in every answer.")] = 1_000,
    counts: Annotated[
        list[int] | None, typer.Option("--sets", min=0, help="Policy sets; may be repeated. Default: 0, 10, 100.")
    ] = None,
    adds: Annotated[int, typer.Option(min=2, help="Targets of each kind added one by one.")] = 50,
    model: Annotated[
        str | None, typer.Option(help="Folder, GGUF file or hub id of the model; default: the toy.")
    ] = None,
) -> None:
    """Measure what policy sets, the tags of client keys, cost in memory and until a target is enforced.

    Stopped, it shows what it has measured."""
    import tempfile

    from serving import launch
    from serving.bench.registry import policy_sets as measured
    from serving.gguf.progress import progress
    from serving.settings import TOY, load

    rows: list[measured.Measured] = []
    with reported():
        served = launch.resolve_model(load(model=model or None), TOY)
        try:
            with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder, progress("sets") as say:
                chosen = sorted(counts or measured.COUNTS)
                rows.extend(measured.run(served, Path(folder), targets, chosen, adds, say))
        finally:
            print(measured.markdown(rows))


def desk(
    targets: Annotated[int, typer.Option(min=1, help="Targets in the registry.")] = 100_000,
    requests: Annotated[int, typer.Option(min=1, help="Requests for each page of the list.")] = 20,
) -> None:
    """Measure how long the desk takes to list and to find targets, of which there are many."""
    from serving.bench.registry import desk as measured

    with reported(), console.status("starting") as status:
        listed = measured.run(targets, requests, status.update)
    print(measured.markdown(listed))
