"""`lethe check`: which targets a text touches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from serving.cli.console import admin_client, console
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.client.observed import Check

COLUMNS = ("target", "score", "signals", "mode", "supplied")


@output_options
def check(
    text: Annotated[str, typer.Argument(help="Text of a user message; '-' reads standard input.")],
    tag: Annotated[list[str] | None, typer.Option(help="Tag of a client's policy set; may be repeated.")] = None,
    canary: Annotated[
        Literal["enforced", "shadow"] | None,
        typer.Option(help="As in every canary share, or as in none; default: as in those that it falls in."),
    ] = None,
) -> None:
    """Show which forget targets a text touches and what would be done. No model is called."""
    if text == "-":
        text = typer.get_text_stream("stdin").read()
    with admin_client() as admin:
        found = admin.check(text, tags=tag or (), canary=canary)
    show(found, lambda: print_check(found), (match.target_id for match in found.matches))


def print_check(found: Check) -> None:
    """Print a plan, and the evidence for each target that it is about."""
    console.print(f"plan {found.plan}   policy {found.policy_version}")
    rows = []
    for match in found.matches:
        signals = ", ".join(f"{name} {value:.2f}" for name, value in match.signals)
        rows.append((match.target_id, f"{match.score:.2f}", signals, match.mode, str(match.supplied)))
    if rows:
        print_table(COLUMNS, rows, less_important=("supplied",))
