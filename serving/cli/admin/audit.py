"""`lethe audit`: verify the audit trail, and take it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from serving.cli.console import admin_client, console, reported
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.audit.checkpoints import Checkpoint
    from serving.client import AdminClient
    from serving.client.observed import EventPage

audit = typer.Typer(no_args_is_help=True, help="Verify the audit trail of forget targets, and take it elsewhere.")
MAX_PAGE = 1000  # events; the admin plane's limit


class Format(StrEnum):
    """jsonl: events as the admin plane has them; ocsf: as the Open Cybersecurity Schema Framework has them."""

    JSONL = "jsonl"
    OCSF = "ocsf"


class _KeyTrail(NamedTuple):
    """The digests of the events of keys that were read, by `seq`, and the first that does not hold."""

    digests: dict[int, str]
    first_broken: int | None


@audit.command()
@output_options
def verify(
    checkpoints: Annotated[
        Path | None, typer.Option(help="Checkpoints that were kept elsewhere; default: those of the server.")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option(help="64 hexadecimal digits: the key that must have signed the checkpoints.")
    ] = None,
) -> None:
    """Verify the chains of digests of targets and keys, and the signed checkpoints; status 1 if one is broken."""
    from serving.audit.checkpoints import read_checkpoint, unmatched, unmatched_keys

    with reported(), admin_client() as admin:
        digests: dict[int, str] = {}
        broken: int | None = None
        for page in _pages(admin, 0):
            if (broken := page.first_broken) is not None:
                break
            digests |= {event.seq: event.digest for event in page.events}
        lines = _signed_lines(admin) if checkpoints is None else checkpoints.read_bytes().splitlines()
        signed = [read_checkpoint(line, public_key and public_key.lower()) for line in lines]
        keys = _verify_keys(admin)
    strange = [] if broken is not None else list(unmatched(signed, digests))
    strange_keys = [] if keys.first_broken is not None else list(unmatched_keys(signed, keys.digests))
    last = digests[max(digests)] if digests else ""

    fault = _fault(broken, strange, keys, strange_keys)

    def say() -> None:
        if fault:
            console.print(fault)
            return
        console.print(f"the audit trail is whole: {len(digests)} events, and {len(keys.digests)} of keys")
        if signed:
            console.print(f"{len(signed)} checkpoints hold, the last of event {signed[-1].seq}")
        if last:
            console.print(f"last digest {last}", soft_wrap=True)

    found = {"events": len(digests), "first_broken": broken, "last_digest": last, "checkpoints": len(signed)}
    found |= {"first_unmatched": strange[0].seq if strange else None}
    found |= {"key_events": len(keys.digests), "first_broken_key_event": keys.first_broken}
    show(found | {"first_unmatched_key_event": strange_keys[0].key_seq if strange_keys else None}, say)
    if fault:
        raise typer.Exit(1)


def _fault(
    broken: int | None, strange: Sequence[Checkpoint], keys: _KeyTrail, strange_keys: Sequence[Checkpoint]
) -> str:
    """Return what is wrong with the trails, "" if nothing is."""
    if broken is not None:
        return f"the audit trail is broken at event {broken}"
    for one in strange:
        return f"the audit trail is not the one of the checkpoint at event {one.seq}, of {one.at}"
    if keys.first_broken is not None:
        return f"the audit trail of keys is broken at event {keys.first_broken}"
    for one in strange_keys:
        return f"the audit trail of keys is not the one of the checkpoint at event {one.seq}, of {one.at}"
    return ""


@audit.command()
@output_options
def checkpoints() -> None:
    """Print the signed checkpoints of the server, a line each, to be kept elsewhere."""
    with admin_client() as admin:
        found = _signed(admin)
    text = "".join(f"{line.decode()}\n" for line in _canonical(found["checkpoints"]))
    show(found, lambda: typer.echo(text, nl=False))


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
            for one in page.events:
                event = one.model_dump(mode="json")
                typer.echo(orjson.dumps(ocsf_of(event, version) if format is Format.OCSF else event).decode())


@audit.command()
@output_options
def webhooks(
    retry: Annotated[str | None, typer.Option(help="Id of a webhook: deliver its dead letters once more.")] = None,
) -> None:
    """List how far each webhook was told, and the events that it did not take."""
    delivered = None
    with admin_client() as admin:
        if retry is not None:
            delivered = admin.retry_webhook(retry).delivered
        found = admin.webhooks()
    rows = []
    for one in found.webhooks:
        letters = one.dead_letters
        reason = f"event {letters[0].seq}: {letters[0].reason}" if letters else ""
        rows.append((one.id, str(one.seq), str(one.behind), str(len(letters)), reason))

    def say() -> None:
        if delivered is not None:
            console.print(f"delivered: {delivered}")
        print_table(("webhook", "told", "behind", "dead letters", "the first"), rows)

    show({"delivered": delivered} | found.model_dump(mode="json"), say, (one.id for one in found.webhooks))


def _verify_keys(admin: AdminClient) -> _KeyTrail:
    """Read the audit trail of keys to its end, or to where it is broken."""
    cursor, digests = 0, dict[int, str]()
    while True:
        page = admin.key_events(cursor, limit=MAX_PAGE)
        digests |= {event.seq: event.digest for event in page.events}
        if page.first_broken is not None or page.next_cursor is None:
            return _KeyTrail(digests, page.first_broken)
        cursor = page.next_cursor


def _pages(admin: AdminClient, cursor: int) -> Iterator[EventPage]:
    while True:
        page = admin.event_page(cursor, limit=MAX_PAGE)
        yield page
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def _signed_lines(admin: AdminClient) -> list[bytes]:
    return _canonical(_signed(admin)["checkpoints"])


def _signed(admin: AdminClient) -> dict[str, Any]:
    # The signature is over the members that were signed, and no others.
    found: dict[str, Any] = admin.checkpoints().model_dump(mode="json", by_alias=True, exclude_unset=True)
    return found


def _canonical(checkpoints: list[object]) -> list[bytes]:
    from guard.signatures import canonical

    return [canonical(one) for one in checkpoints]
