"""`lethe targets proposed`, `approve` and `reject`: what one person proposes, another decides."""

from __future__ import annotations

from typing import Annotated

import typer

from serving.cli.console import admin_client, console
from serving.cli.output import output_options, show

TargetId = Annotated[str, typer.Argument(help="Id of the target.")]
Seen = Annotated[
    int, typer.Option("--revision", min=1, help="Revision that you have looked at, as `proposed` prints it.")
]


@output_options
def proposed(
    target_id: TargetId, reveal: Annotated[bool, typer.Option("--reveal", help="Show texts unmasked.")] = False
) -> None:
    """Show what is proposed of a target, and how it differs from what is in force."""
    with admin_client() as admin:
        found = admin.proposed(target_id, reveal=reveal)
    show(found, lambda: console.print_json(found.model_dump_json()), [target_id])


@output_options
def approve(target_id: TargetId, revision: Seen) -> None:
    """Bring what somebody else proposes into force, and wait until it is enforced."""
    with admin_client() as admin:
        target = admin.approve(target_id, revision)
    said = f"{target_id} approved: {target.state}"
    show({"id": target_id, "state": target.state}, lambda: console.print(said), [target_id])


@output_options
def reject(
    target_id: TargetId,
    revision: Seen,
    reason: Annotated[str, typer.Option(help="Why; shown in clear, so no text of the target.")] = "",
) -> None:
    """Decide that what is proposed does not come into force; who proposed it takes it back."""
    with admin_client() as admin:
        target = admin.reject(target_id, revision, reason)
    said = f"{target_id}, what was proposed is rejected: {target.state}"
    show({"id": target_id, "state": target.state}, lambda: console.print(said), [target_id])
