"""What every command of the evaluation shows: errors as `code: message`, progress bars, and how it was called."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from guard.errors import LetheError

if TYPE_CHECKING:
    from eval.harness.session import Progress


def command() -> str:
    """The command line as it was given, to be printed in a result."""
    return shlex.join(["lethe", "eval", *(part for part in sys.argv[1:] if part != "eval")])


@contextmanager
def reported() -> Iterator[None]:
    """Errors raised on purpose end the command with status 1 and one line; an interrupt with 130."""
    try:
        yield
    except LetheError as error:
        typer.echo(f"{error.code}: {error.message}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; what is known is kept, run the same command again to go on", err=True)
        raise typer.Exit(130) from None


@contextmanager
def bars() -> Iterator[Progress]:
    """A progress bar on standard error for every run and set."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    looks = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*looks, console=Console(stderr=True)) as shown:
        tasks = {}

        def progress(run: str, name: str, done: int, total: int) -> None:
            if (run, name) not in tasks:
                tasks[run, name] = shown.add_task(f"{run} {name}", total=total)
            shown.update(tasks[run, name], completed=done)

        yield progress
