"""Shared by the commands: consoles, one-line errors, the admin plane's client, and a progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from guard.errors import LetheError

if TYPE_CHECKING:
    from serving.client import AdminClient

PLAIN_PERIOD_S = 10.0  # between two lines of progress where no terminal shows a bar
INTERRUPTED = 130  # exit status of a command that Ctrl-C ended, as shells have it

console = Console()
errors = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Output:
    """What a command was asked to print: one JSON object, and whether nothing but that and ids."""

    json: bool = False
    quiet: bool = False


output: ContextVar[Output] = ContextVar("output")
"""Set while a command with the options --json and --quiet runs; `serving.cli.output` obeys it."""


def fail(code: str, message: str) -> NoReturn:
    """Print `code message` as one line on standard error and end the command with status 1."""
    errors.print(Text.assemble((code, "red"), f" {message}"), soft_wrap=True)
    raise typer.Exit(1)


@contextmanager
def reported(interrupted: str = "") -> Iterator[None]:
    """End the command with status 1 and one line for a LetheError, with 130 and `interrupted` for an interrupt."""
    try:
        yield
    except LetheError as error:
        fail(error.code, error.message)
    except KeyboardInterrupt:
        if interrupted:
            errors.print(interrupted, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def admin_client() -> Iterator[AdminClient]:
    """Yield the client of the admin plane; a refusal ends the command with status 1 and one line."""
    # httpx is loaded only by the commands that talk to a server.
    from serving.client import AdminClient, AdminError, Refused

    try:
        with AdminClient.from_environment() as admin:
            yield admin
    except AdminError as error:
        faults = error.faults if isinstance(error, Refused) else {}
        fail(error.code, "; ".join((error.detail, *(f"{path}: {why}" for path, why in faults.items()))))


def _plain_progress() -> Callable[[str, float], None]:
    printed = time.monotonic()

    def show(what: str, share: float) -> None:
        nonlocal printed
        if time.monotonic() - printed >= PLAIN_PERIOD_S:
            printed = time.monotonic()
            typer.echo(f"{what}: {100 * share:.0f} %", err=True)

    return show


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """Show a bar on standard error; the yielded function takes a description and the share that is done.

    Where standard error is no terminal, a line says how far it is, at most every PLAIN_PERIOD_S seconds. With
    --quiet nothing does.
    """
    if output.get(Output()).quiet:
        yield lambda what, share: None
        return
    if not errors.is_terminal:
        yield _plain_progress()
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda what, share: progress.update(task, description=what, completed=share)
