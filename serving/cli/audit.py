"""`lethe audit`: verify the audit trail."""

from __future__ import annotations

import typer

from serving.cli.console import admin_client, console

audit = typer.Typer(no_args_is_help=True, help="Verify the audit trail of forget targets.")
MAX_PAGE = 1000  # events; the admin plane's limit


@audit.callback()
def _group() -> None:
    # Without it typer takes the only command for the group itself.
    pass


@audit.command()
def verify() -> None:
    """Verify the chain of digests from the first event to the last; exit with status 1 if it is broken."""
    events, cursor, digest = 0, 0, ""
    with admin_client() as admin:
        while True:
            page = admin.audit(cursor, MAX_PAGE)
            if page["first_broken"] is not None:
                console.print(f"the audit trail is broken at event {page['first_broken']}")
                raise typer.Exit(1)
            events += len(page["events"])
            digest = page["events"][-1]["digest"] if page["events"] else digest
            if page["next_cursor"] is None:
                break
            cursor = page["next_cursor"]
    console.print(f"the audit trail is whole: {events} events")
    if digest:
        console.print(f"last digest {digest}", soft_wrap=True)
