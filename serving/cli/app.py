"""The `lethe` command: `serve`, `check`, `bench`, `version`, the groups of this package, and those of others.

Each command imports what it needs, so that starting the command line loads neither numpy nor torch nor httpx.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.admin.approval import approve, proposed, reject
from serving.cli.admin.audit import audit
from serving.cli.admin.canary import canary, promote
from serving.cli.admin.cases import cases
from serving.cli.admin.check import check
from serving.cli.admin.elicit import accept, elicit, proposals
from serving.cli.admin.keys import keys
from serving.cli.admin.policy import policy
from serving.cli.admin.replicas import replicas
from serving.cli.admin.targets import targets
from serving.cli.admin.try_ import try_
from serving.cli.admin.verdicts import verdicts
from serving.cli.assistants import assistants
from serving.cli.backup import backup, restore
from serving.cli.bench import bench
from serving.cli.bench_policies import desk, encryption, sets, soak
from serving.cli.bench_policies import replicas as bench_replicas
from serving.cli.console import console, errors, reported
from serving.cli.detector import detector
from serving.cli.doctor import doctor
from serving.cli.output import output_options, show
from serving.cli.plugins import GROUP, add_commands
from serving.cli.registry import registry

if TYPE_CHECKING:
    from serving.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Serve a language model as if it had never learned what it was asked to forget.",
)
app.add_typer(bench, name="bench")
app.add_typer(targets, name="targets")
app.add_typer(assistants, name="assistant")
app.add_typer(detector, name="detector")
app.add_typer(audit, name="audit")
app.add_typer(cases, name="cases")
app.add_typer(registry, name="registry")
app.add_typer(keys, name="keys")
app.add_typer(policy, name="policy")
for command in (elicit, proposals, accept, proposed, approve, reject, canary, promote):
    targets.command()(command)
for command in (check, verdicts, replicas, doctor, backup, restore):
    app.command()(command)
app.command("try")(try_)
for command in (desk, encryption, sets, soak):
    bench.command()(command)
bench.command("replicas")(bench_replicas)


@app.command()
def serve(
    model: Annotated[
        str | None,
        typer.Option(help="Folder, GGUF file or hub id of the model, smollm2 or toy; default: smollm2."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="Base URL of a remote vLLM with our processors, or of several, divided by commas."),
    ] = None,
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
    from serving.http.listening import base_url

    key, generated = launch.admin_key(settings)
    listeners = launch.listeners(settings)
    served = launch.resolve_model(settings)
    for name, listener in listeners.items():
        url = base_url(*listener.getsockname()[:2])
        console.print(f"{name:<13} {url}")
        if name == "admin plane" and settings.desk:
            console.print(f"{'desk':<13} {url}/ui")
    if generated:
        console.print(f"admin key     {key.get_secret_value()}   (shown once; set LETHE_ADMIN_KEY to choose it)")
    console.print(f"engine        {launch.describe_engine(settings, served)}")
    console.print(
        'state         starting; the desk is open, and requests are answered once it says "engine ready"'
    )
    launch.serve(settings, served, key, list(listeners.values()))


@app.command()
@output_options
def version() -> None:
    """Print the version."""
    found = metadata.version("lethe")
    show({"version": found}, lambda: console.print(found))


def _unusable(point: metadata.EntryPoint, error: Exception) -> None:
    errors.print(f"the command {point.name} is left out: {type(error).__name__}: {error}", markup=False)


add_commands(app, metadata.entry_points(group=GROUP), _unusable)
