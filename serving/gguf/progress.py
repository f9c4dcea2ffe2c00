"""Progress of work whose end is not known: a spinner on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from rich.console import Console

LOG_PERIOD_S = 5.0  # between two lines where no terminal shows a spinner
Say = Callable[[str], None]


@contextmanager
def progress(title: str, console: Console | None = None) -> Iterator[Say]:
    """Show on standard error that the block runs; the yielded function takes what it does now."""
    console = console or Console(file=sys.stderr)  # this stream, also while another is put in its place
    if console.is_terminal:
        with console.status(title) as status:
            yield lambda doing: status.update(f"{title}: {doing}")
        return
    began, doing, done = time.monotonic(), [""], Event()

    def print_lines() -> None:
        while not done.wait(LOG_PERIOD_S):
            console.print(
                f"{title}: {doing[0]}, {time.monotonic() - began:.0f} s", soft_wrap=True, highlight=False
            )

    lines = Thread(target=print_lines, daemon=True)
    lines.start()
    try:
        yield lambda now: doing.__setitem__(0, now)
    finally:
        done.set()
        lines.join()
