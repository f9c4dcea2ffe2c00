"""`lethe audit`: verify the audit trail, and take it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.cli.console import admin_client, console, print_table, reported

if TYPE_CHECKING:
    from serving.admin.client import AdminClient

audit = typer.Typer(no_args_is_help=True, help="Verify the audit trail of forget targets, and take it elsewhere.")
MAX_PAGE = 1000  # events; the admin plane's limit


class Format(StrEnum):
    """jsonl: events as the admin plane has them; ocsf: as the Open Cybersecurity Schema Framework has them."""

    JSONL = "jsonl"
    OCSF = "ocsf"


@audit.command()
def verify(
    checkpoints: Annotated[
        Path | None, typer.Option(help="Checkpoints that were kept elsewhere; default: those of the server.")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(help="64 hexadecimal digits: the key that must have signed the checkpoints.")
    ] = None,
) -> None:
    """Verify the chain of digests and the signed checkpoints; exit with status 1 if either is broken."""
    from serving.audit.checkpoints import read_checkpoint, unmatched

    with reported(), admin_client() as admin:
        digests: dict[int, str] = {}
        for page in _pages(admin, 0):
            if page["first_broken"] is not None:
                console.print(f"the audit trail is broken at event {page['first_broken']}")
                raise typer.Exit(1)
            digests |= {event["seq"]: event["digest"] for event in page["events"]}
        lines = _signed_lines(admin) if checkpoints is None else checkpoints.read_bytes().splitlines()
        signed = [read_checkpoint(line, public_key and public_key.lower()) for line in lines]
    for one in unmatched(signed, digests):
        console.print(f"the audit trail is not the one of the checkpoint at event {one.seq}, of {one.at}")
        raise typer.Exit(1)
    console.print(f"the audit trail is whole: {len(digests)} events")
    if signed:
        console.print(f"{len(signed)} checkpoints hold, the last of event {signed[-1].seq}")
    if digests:
        console.print(f"last digest {digests[max(digests)]}", soft_wrap=True)


@audit.command()
def checkpoints() -> None:
    """Print the signed checkpoints of the server, a line each, to be kept elsewhere."""
    with admin_client() as admin:
        for line in _signed_lines(admin):
            typer.echo(line.decode())


@audit.command()
def export(
    format: Annotated[Format, typer.Option(help="jsonl, or ocsf for a SIEM.")] = Format.JSONL,
    after: Annotated[int, typer.Option(min=0, help="Only events after the one with this seq.")] = 0,
) -> None:
    """Print the events of the audit trail, oldest first, as JSON Lines."""
    import orjson

    from serving.audit.ocsf import ocsf_of

    version = metadata.version("lethe")
    with admin_client() as admin:
        for page in _pages(admin, after):
            for event in page["events"]:
                typer.echo(orjson.dumps(ocsf_of(event, version) if format is Format.OCSF else event).decode())


@audit.command()
def webhooks(
    retry: Annotated[str | None, typer.Option(help="Id of a webhook: deliver its dead letters once more.")] = None,
) -> None:
    """List how far each webhook was told, and the events that it did not take."""
    with admin_client() as admin:
        if retry is not None:
            console.print(f"delivered: {admin.retry_webhook(retry)['delivered']}")
        found = admin.webhooks()["webhooks"]
    rows = []
    for one in found:
        letters = one["dead_letters"]
        reason = f"event {letters[0]['seq']}: {letters[0]['reason']}" if letters else ""
        rows.append((one["id"], str(one["seq"]), str(one["behind"]), str(len(letters)), reason))
    print_table(("webhook", "told", "behind", "dead letters", "the first"), rows)


def _pages(admin: AdminClient, cursor: int) -> Iterator[Any]:
    while True:
        page = admin.audit(cursor, MAX_PAGE)
        yield page
        if page["next_cursor"] is None:
            return
        cursor = page["next_cursor"]


def _signed_lines(admin: AdminClient) -> list[bytes]:
    from guard.signatures import canonical

    return [canonical(one) for one in admin.checkpoints()["checkpoints"]]
