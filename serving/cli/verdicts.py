"""`lethe verdicts`: list the verdict log."""

from __future__ import annotations

from typing import Annotated

import typer

from serving.cli.console import admin_client, print_table


def verdicts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of verdicts to print.")] = 20,
    mode: Annotated[str | None, typer.Option(help="enforce or shadow; default: both.")] = None,
    target: Annotated[str | None, typer.Option(help="Only verdicts of this target.")] = None,
) -> None:
    """List which requests touched which forget targets, newest first. No texts are recorded."""
    with admin_client() as admin:
        found = admin.verdicts(limit, mode, target)["verdicts"]
    rows = []
    for row in found:
        signals = ", ".join(f"{name} {value:.2f}" for name, value in row["signals"].items())
        cells = (row["at"][:19], row["request_id"], row["target_id"], str(row["revision"]), f"{row['score']:.2f}")
        rows.append((*cells, signals, row["plan"], row["mode"], row["touched_by"]))
    print_table(("at", "request", "target", "revision", "score", "signals", "plan", "mode", "touched by"), rows)
