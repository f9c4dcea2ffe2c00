"""The command `lethe verdicts`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from serving.admin.client import AdminClient, AdminRefused

console = Console()
errors = Console(stderr=True)


def verdicts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most verdicts to print.")] = 20,
    mode: Annotated[str | None, typer.Option(help="enforce or shadow; default: both.")] = None,
    target: Annotated[str | None, typer.Option(help="Only those of this target.")] = None,
) -> None:
    """List which requests touched which forget targets, newest first; texts are never recorded."""
    try:
        found = AdminClient.from_environment().verdicts(limit, mode, target)["verdicts"]
    except AdminRefused as error:
        errors.print(f"[red]{error.code}[/red] {error.detail}")
        raise typer.Exit(1) from None
    table = Table("at", "request", Column("target", no_wrap=True), "revision", "score", "signals", "plan", "mode")
    for row in found:
        signals = ", ".join(f"{name} {value:.2f}" for name, value in row["signals"].items())
        cells = (row["at"][:19], row["request_id"], row["target_id"], str(row["revision"]), f"{row['score']:.2f}")
        table.add_row(*cells, signals, row["plan"], row["mode"])
    console.print(table)
