"""The `lethe` command: `serve`, `check`, `bench`, `version`, the groups of this package, and those of others.

Each command imports what it needs, so that starting the command line loads neither numpy nor torch nor httpx.
"""

from __future__ import annotations

import contextlib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.assistants import assistants
from serving.cli.audit import audit
from serving.cli.backup import backup, restore
from serving.cli.console import admin_client, console, errors, print_table, reported
from serving.cli.detector import detector
from serving.cli.elicit import accept, elicit, proposals
from serving.cli.plugins import GROUP, add_commands
from serving.cli.targets import targets
from serving.cli.verdicts import verdicts

if TYPE_CHECKING:
    from serving.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Serve a language model as if it had never learned what it was asked to forget.",
)
bench = typer.Typer(help="Compare the guarded endpoint with stock vLLM on this machine.")
app.add_typer(bench, name="bench")
app.add_typer(targets, name="targets")
app.add_typer(assistants, name="assistant")
app.add_typer(detector, name="detector")
app.add_typer(audit, name="audit")
for command in (elicit, proposals, accept):
    targets.command()(command)
app.command()(verdicts)
app.command()(backup)
app.command()(restore)


@app.command()
def serve(
    model: Annotated[
        str | None,
        typer.Option(help="Folder, GGUF file or hub id of the model, smollm2 or toy; default: smollm2."),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="Base URL of a remote vLLM with our processors.")] = None,
    host: Annotated[str | None, typer.Option(help="Address of the data plane.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the data plane.")] = None,
    admin_port: Annotated[int | None, typer.Option(help="Port of the admin plane.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the database and caches.")] = None,
    eval_port: Annotated[
        int | None, typer.Option(help="Port of the scoring plane, on loopback, for evaluations only.")
    ] = None,
) -> None:
    """Serve the data plane and the admin plane until interrupted."""
    from serving.data_folder import owned
    from serving.settings import load
    from serving.telemetry.logs import configure

    with reported():
        settings = load(
            model=model or None,
            engine=engine or None,
            host=host,
            port=port,
            admin_port=admin_port,
            data_dir=data_dir,
            eval_port=eval_port,
        )
        configure(settings.log_format)
        with owned(settings.data_dir):
            _serve(settings)


def _serve(settings: Settings) -> None:
    from serving import launch

    key, generated = launch.admin_key(settings)
    listeners = launch.listeners(settings)
    served = launch.resolve_model(settings)
    for name, listener in listeners.items():
        address, number = listener.getsockname()[:2]
        console.print(f"{name:<13} {launch.base_url(address, number)}")
    if generated:
        console.print(f"admin key     {key.get_secret_value()}   (shown once; set LETHE_ADMIN_KEY to choose it)")
    console.print(f"engine        {launch.describe_engine(settings, served)}")
    launch.serve(settings, served, key, list(listeners.values()))


@app.command()
def check(
    text: Annotated[str, typer.Argument(help="Text of a user message; '-' reads standard input.")],
) -> None:
    """Show which forget targets a text touches and what would be done. No model is called."""
    if text == "-":
        text = typer.get_text_stream("stdin").read()
    with admin_client() as admin:
        verdict = admin.check(text)
    rows = []
    for match in verdict["matches"]:
        signals = ", ".join(f"{name} {value:.2f}" for name, value in match["signals"].items())
        rows.append((match["target_id"], f"{match['score']:.2f}", signals, match["mode"], str(match["supplied"])))
    console.print(f"plan {verdict['plan']}   policy {verdict['policy_version']}")
    if rows:
        print_table(("target", "score", "signals", "mode", "supplied"), rows)


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


@app.command()
def version() -> None:
    """Print the version."""
    console.print(metadata.version("lethe"))


def _unusable(point: metadata.EntryPoint, error: Exception) -> None:
    errors.print(f"the command {point.name} is left out: {type(error).__name__}: {error}", markup=False)


add_commands(app, metadata.entry_points(group=GROUP), _unusable)
