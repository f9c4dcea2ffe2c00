"""`lethe keys`: create, list, rotate and revoke the keys of people, programs and clients; their audit trail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, cast

import typer

from serving.cli.console import admin_client, console, fail
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.client.keys import NewKey
    from serving.client.requests import KeyDraft

COLUMNS = ("key", "name", "role", "state", "expires", "last used")
EVENT_COLUMNS = ("event", "at", "action", "key", "actor")
MAX_PAGE = 1000  # events; the admin plane's limit
keys = typer.Typer(no_args_is_help=True, help="Keys of the admin plane with their roles, and keys of clients.")
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="Id of the key.")]


@keys.command()
@output_options
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    role: Annotated[str | None, typer.Option(help="Of an admin key: reader, editor, approver or auditor.")] = None,
    client: Annotated[bool, typer.Option("--client", help="A client key, for the data plane.")] = False,
    tag: Annotated[list[str] | None, typer.Option(help="Tag of a client's policy set; may be repeated.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Model that a client may ask; may be repeated.")] = None,
    per_minute: Annotated[int | None, typer.Option(help="Requests a minute of a client.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days for which it is valid; default: for good.")] = None,
) -> None:
    """Create a key and print its secret, which is never shown again."""
    if client == (role is not None):
        fail("bad_arguments", "give either --role or --client")
    wanted: dict[str, object] = {"name": name, "audience": "client" if client else "admin", "role": role}
    wanted |= {"tags": tag or [], "models": model or [], "requests_per_minute": per_minute}
    if days is not None:
        wanted["expires_at"] = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
    with admin_client() as admin:
        _show(admin.create_key(cast("KeyDraft", wanted)))


@keys.command("list")
@output_options
def listed() -> None:
    """List all keys, also those that have ended."""
    with admin_client() as admin:
        found = admin.keys()
    rows = [
        (
            one.id,
            one.name,
            one.role or "client",
            one.state,
            _minute(one.expires_at),
            _minute(one.last_used_at),
        )
        for one in found.keys
    ]

    def table() -> None:
        print_table(COLUMNS, rows, less_important=("expires", "last used"))

    show(found, table, (one.id for one in found.keys))


@keys.command()
@output_options
def rotate(
    key: KeyId,
    overlap: Annotated[int, typer.Option(min=0, help="Seconds for which the secret before stays valid.")] = 3600,
) -> None:
    """Give a key another secret and print it."""
    with admin_client() as admin:
        _show(admin.rotate_key(key, overlap_s=overlap))


@keys.command()
@output_options
def revoke(key: KeyId) -> None:
    """Revoke a key: it is refused from now on."""
    with admin_client() as admin:
        ended = admin.revoke_key(key)
    show(ended, lambda: console.print(f"{ended.id} is revoked"), [ended.id])


@keys.command()
@output_options
def events() -> None:
    """List who created, rotated and revoked which key, and who switched the rule of approval, oldest first."""
    with admin_client() as admin:
        pages = [admin.key_events(limit=MAX_PAGE)]
        while (cursor := pages[-1].next_cursor) is not None:
            pages.append(admin.key_events(cursor, limit=MAX_PAGE))
    found = [one for page in pages for one in page.events]
    broken = next((page.first_broken for page in pages if page.first_broken is not None), None)

    def table() -> None:
        rows = ((str(one.seq), _second(one.at), one.action, one.key_id or "-", one.actor) for one in found)
        print_table(EVENT_COLUMNS, rows)
        if broken is not None:
            console.print(f"the audit trail of keys is broken at event {broken}")

    members = [one.model_dump(mode="json") for one in found]
    show({"events": members, "first_broken": broken}, table, (str(one.seq) for one in found))


def _show(new: NewKey) -> None:
    def text() -> None:
        console.print(f"{new.id}   (shown once)")
        console.print(new.secret, soft_wrap=True)

    show(new, text, [new.secret])


def _minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}"
