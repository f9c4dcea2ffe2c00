"""`lethe verdicts`: list the verdict log."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from serving.cli.console import admin_client
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.client.observed import Verdict

COLUMNS = ("at", "request", "target", "revision", "score", "signals", "plan", "mode", "touched by")


@output_options
def verdicts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of verdicts to print.")] = 20,
    mode: Annotated[
        Literal["enforce", "shadow"] | None, typer.Option(help="Only verdicts of targets in this mode.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Only verdicts of this target.")] = None,
) -> None:
    """List which requests touched which forget targets, newest first. No texts are recorded."""
    with admin_client() as admin:
        found = list(islice(admin.verdicts(mode=mode, target_id=target, page=limit), limit))
    rows = []
    for one in found:
        signals = ", ".join(f"{name} {value:.2f}" for name, value in one.signals.items())
        cells = (f"{one.at:%Y-%m-%dT%H:%M:%S}", one.request_id, one.target_id, str(one.revision))
        rows.append((*cells, f"{one.score:.2f}", signals, one.plan, _mode(one), one.touched_by))
    less = ("score", "touched by", "mode", "revision", "request", "signals")
    show(
        {"verdicts": [one.model_dump(mode="json") for one in found]},
        lambda: print_table(COLUMNS, rows, less_important=less),
        (one.request_id for one in found),
    )


def _mode(verdict: Verdict) -> str:
    return f"{verdict.mode} (canary)" if verdict.canary else verdict.mode
