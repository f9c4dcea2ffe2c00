"""`lethe policy`: what differs from one policy version to another, and the way back to an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.console import admin_client, console
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.client.operated import PolicyDiff, Rollback

policy = typer.Typer(no_args_is_help=True, help="Compare policy versions, and go back to one.")
COLUMNS = ("target", "kind", "change", "from", "to", "members")


@policy.command()
@output_options
def diff(
    older: Annotated[int, typer.Argument(min=0, help="Policy version.")],
    newer: Annotated[int, typer.Argument(min=0, help="A later one.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show texts unmasked.")] = False,
) -> None:
    """Show what became of each target from one policy version to another."""
    with admin_client() as admin:
        found = page = admin.policy_diff(older, newer, reveal=reveal)
        while page.next_cursor is not None:
            page = admin.policy_diff(older, newer, page.next_cursor, reveal=reveal)
            found = page.model_copy(update={"changes": (*found.changes, *page.changes)})
    show(found, lambda: _print(found), (one.target_id for one in found.changes))


@policy.command()
@output_options
def rollback(
    version: Annotated[int, typer.Argument(min=0, help="Policy version to go back to.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
) -> None:
    """Make the targets what they were at a policy version, under a new one; what was erased stays erased.

    Targets that were added since are revoked, and their texts are erased.
    """
    with admin_client() as admin:
        done = admin.rollback(version, dry_run=dry_run)
    show(done, lambda: _report(done, dry_run), (*done.changed, *done.revoked, *done.proposed))


def _print(found: PolicyDiff) -> None:
    rows = [
        (
            one.target_id,
            one.kind,
            one.change,
            str(one.before or "-"),
            str(one.after or "-"),
            ", ".join(each.member for each in one.differences or ()),
        )
        for one in found.changes
    ]
    print_table(COLUMNS, rows, less_important=("from", "to", "kind"))
    for one in found.changes:
        for each in one.differences or ():
            for sign, values in (("-", each.removed), ("+", each.added)):
                for value in values:
                    typer.echo(f"{one.target_id} {each.member} {sign} {value}")


def _report(done: Rollback, dry_run: bool) -> None:
    console.print(f"policy version {done.policy_version}{', nothing was changed' if dry_run else ''}")
    for name, ids in (
        ("as they were", done.changed),
        ("revoked", done.revoked),
        ("proposed", done.proposed),
        ("erased, and not brought back", done.erased),
        ("not kept, and left as they are", done.not_kept),
        ("refused, and left as they are", done.refused),
    ):
        if ids:
            typer.echo(f"{name}: {' '.join(ids)}")
