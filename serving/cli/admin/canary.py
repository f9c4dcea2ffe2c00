"""`lethe targets canary` and `promote`: enforce a target in shadow for a share of conversations, then for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.console import admin_client, console
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.client.observed import Canary, CanarySide

TargetId = Annotated[str, typer.Argument(help="Id of the target.")]
COLUMNS = ("side", "requests", "declined", "only the answer touched", "plans", "since")


@output_options
def canary(
    target_id: TargetId,
    share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Set the share first, as 0.05; 0 takes it away.")
    ] = None,
) -> None:
    """Compare the requests in the canary share of a target with the others, or set the share and wait for it."""
    with admin_client() as admin:
        if share is not None:
            admin.change(target_id, {"canary": share or None}, None)
        found = admin.canary(target_id)
    show(found, lambda: _print(found), [target_id])


@output_options
def promote(target_id: TargetId) -> None:
    """Enforce a target in shadow for all conversations, and wait for it; where that takes approval, propose it."""
    with admin_client() as admin:
        target = admin.promote_target(target_id)
    waits = target.proposed is not None and target.proposed.is_open
    said = "enforcing it is proposed" if waits else "enforced"
    show({"id": target_id, "mode": target.mode}, lambda: console.print(f"{target_id} {said}"), [target_id])


def _print(found: Canary) -> None:
    console.print(f"share: {'none' if found.share is None else f'{found.share:g}'}")
    rows = [_row("enforced", found.enforced), _row("in shadow", found.shadow)]
    print_table(COLUMNS, rows, less_important=("since", "plans"))


def _row(name: str, side: CanarySide) -> tuple[str, ...]:
    plans = ", ".join(f"{kind} {count}" for kind, count in sorted(side.plans.items()))
    since = "" if side.since is None else f"{side.since:%Y-%m-%dT%H:%M:%S}"
    return (name, str(side.requests), str(side.declined), str(side.said), plans, since)
