"""`lethe bench start`: the processor time of commands that call no model."""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

COMMANDS = (
    ("version",),
    ("--help",),
    ("eval", "--help"),
    ("targets", "--help"),
    ("targets", "add", "Ilsabet Quorne"),
    ("targets", "list"),
    ("targets", "show", "ft_1"),
    ("targets", "quoted", "ft_1", "FILE"),
    ("targets", "revoke", "ft_1"),
    ("targets", "import", "FILE"),
)


class Start(NamedTuple):
    """A command and the median processor time (user and system) of its process, in seconds."""

    command: str
    seconds: float


def run(rounds: int) -> Iterator[Start]:
    """Yield the cost of each command, started `rounds` times in a process of its own.

    No server runs: a command of `lethe targets` loads what it needs and ends at the refused connection.
    """
    with socket.socket() as closed, tempfile.NamedTemporaryFile(suffix=".json") as file:
        closed.bind(("127.0.0.1", 0))  # and never listens, so that a connection is refused
        Path(file.name).write_text('[{"name": "Ilsabet Quorne"}]', encoding="utf-8")
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        environment = os.environ | {"LETHE_ADMIN_KEY": "none", "ADMIN_URL": url}
        for command in COMMANDS:
            arguments = [file.name if argument == "FILE" else argument for argument in command]
            times = [_seconds([sys.executable, "-m", "serving", *arguments], environment) for _ in range(rounds)]
            yield Start(" ".join(("lethe", *command)), statistics.median(times))


def markdown(starts: Sequence[Start]) -> str:
    """Return the costs as a Markdown table."""
    return "\n".join(
        [
            "| command | processor time |",
            "| --- | --- |",
            *(f"| `{s.command}` | {s.seconds:.2f} s |" for s in starts),
        ]
    )


def _seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
