"""What commands of the evaluation print: interrupts, progress bars and the command line."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from serving.cli import console

if TYPE_CHECKING:
    from eval.harness.session import Progress


reported = partial(console.reported, "interrupted; what is known is kept, run the same command again to go on")
"""As `serving.cli.console.reported`, for runs that are resumed."""


def command_line() -> str:
    """Return the command line as it was given, to be printed in a result."""
    return shlex.join(["lethe", "eval", *(part for part in sys.argv[1:] if part != "eval")])


@contextmanager
def bars() -> Iterator[Progress]:
    """Show a progress bar on standard error for every run and set."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    looks = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*looks, console=console.errors) as shown:
        tasks = {}

        def progress(run: str, name: str, done: int, total: int) -> None:
            if (run, name) not in tasks:
                tasks[run, name] = shown.add_task(f"{run} {name}", total=total)
            shown.update(tasks[run, name], completed=done)

        yield progress
