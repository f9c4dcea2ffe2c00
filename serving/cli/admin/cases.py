"""`lethe cases`: what must be answered until when, and what is overdue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.console import admin_client, console
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.client.operated import Case
    from serving.client.requests import CaseDraft

cases = typer.Typer(
    no_args_is_help=True, help="Requests to forget: when they came, until when they must be answered."
)
COLUMNS = ("target", "state", "due", "received", "closed", "requester")
MAX_PAGE = 1000
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@cases.command("list")
@output_options
def listed(
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is due and not closed.")] = False,
    all: Annotated[bool, typer.Option("--all", help="What is closed, too.")] = False,
) -> None:
    """List the open cases, the first due first; exit with status 2 if one is overdue."""
    found: list[Case] = []
    cursor: int | None = 0
    with admin_client() as admin:
        while cursor is not None:
            page = admin.cases(cursor, limit=MAX_PAGE, state=None if all else "overdue" if overdue else "open")
            found += page.cases
            cursor = page.next_cursor
    rows = [_row(one) for one in found]
    plain = {"cases": [one.model_dump(mode="json") for one in found]}
    show(
        plain,
        lambda: print_table(COLUMNS, rows, less_important=("closed", "received")),
        (c.target_id for c in found),
    )
    if any(one.state == "overdue" for one in found):
        raise typer.Exit(2)


@cases.command("set")
@output_options
def put(
    target_id: Annotated[str, typer.Argument(help="Id of the target.")],
    received: Annotated[datetime, typer.Option(formats=FORMATS, help="When the request came, in UTC.")],
    due: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="Until when; default: a month after it came.")
    ] = None,
    requester: Annotated[str, typer.Option(help="Reference of a ticket or a customer, no name.")] = "",
) -> None:
    """Store when a request to forget a target came, and until when it must be answered."""
    body: CaseDraft = {"received_at": _utc(received), "requester": requester}
    if due is not None:
        body["due_at"] = _utc(due)
    with admin_client() as admin:
        case = admin.put_case(target_id, body)
    _show(case, f"due {case.due_at:%Y-%m-%d}")


@cases.command()
@output_options
def close(target_id: Annotated[str, typer.Argument(help="Id of the target.")]) -> None:
    """Note that a request to forget was answered now."""
    with admin_client() as admin:
        known = admin.case(target_id)
        body: CaseDraft = {
            "received_at": known.received_at.isoformat(),
            "due_at": known.due_at.isoformat(),
            "requester": known.requester,
            "closed_at": datetime.now(UTC).isoformat(),
        }
        case = admin.put_case(target_id, body)
    _show(case, "closed")


def _show(case: Case, said: str) -> None:
    show(case, lambda: console.print(f"{case.target_id} {said}"), (case.target_id,))


def _row(case: Case) -> tuple[str, ...]:
    closed = f"{case.closed_at:%Y-%m-%d}" if case.closed_at else ""
    return (
        case.target_id,
        case.state,
        f"{case.due_at:%Y-%m-%d}",
        f"{case.received_at:%Y-%m-%d}",
        closed,
        case.requester,
    )


def _utc(at: datetime) -> str:
    return at.replace(tzinfo=UTC).isoformat()
