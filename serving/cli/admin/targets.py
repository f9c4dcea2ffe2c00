"""`lethe targets`: manage the registry of forget targets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from serving.admin.target_file import UnreadableFile, as_line, pattern_of, read_rows, read_text
from serving.cli.console import admin_client, console, fail
from serving.cli.output import output_options, print_table, show

if TYPE_CHECKING:
    from serving.client import AdminClient
    from serving.client.requests import TargetDraft
    from serving.client.targets import Target
    from serving.client.values import State

PAGE_TARGETS = 200
STORED_ONLY = 3  # exit status of an import whose targets are not enforced in time

targets = typer.Typer(no_args_is_help=True, help="Add, list, show, revoke and import forget targets.")
Reveal = Annotated[bool, typer.Option("--reveal", help="Show texts unmasked.")]

Patterns = Annotated[
    list[str] | None,
    typer.Option(help="A value to forbid in all its forms, as iban=... or national_id/us=...; may be repeated."),
]
Distinguish = Annotated[
    list[str] | None,
    typer.Option(help="Text that tells a namesake who is not meant, as 'the rower'; may be repeated."),
]
Tags = Annotated[
    list[str] | None, typer.Option(help="It holds for client keys of this policy set; may be repeated.")
]


@targets.command()
@output_options
def add(
    name: Annotated[str, typer.Argument(help="Name of what to forget.")],
    kind: Annotated[str, typer.Option(help="person, work, fact, secret or topic.")] = "person",
    alias: Annotated[list[str] | None, typer.Option(help="Another name; may be repeated.")] = None,
    fact: Annotated[list[str] | None, typer.Option(help="A sentence to withhold; may be repeated.")] = None,
    passage: Annotated[
        list[Path] | None, typer.Option(help="File with a text that must not be quoted; may be repeated.")
    ] = None,
    phrase: Annotated[list[str] | None, typer.Option(help="A forbidden phrase; may be repeated.")] = None,
    pattern: Patterns = None,
    distinguish: Distinguish = None,
    variants: Annotated[
        str, typer.Option(help="none, close or wide: which other ways to write its phrases are forbidden.")
    ] = "close",
    method: Annotated[
        list[str] | None, typer.Option(help="guard, uld, alu or decline; may be repeated. Default: guard.")
    ] = None,
    scope: Annotated[str, typer.Option(help="contextual or always.")] = "contextual",
    mode: Annotated[str, typer.Option(help="enforce or shadow.")] = "enforce",
    canary: Annotated[
        float | None, typer.Option(help="In shadow: the share of conversations for which it is enforced, as 0.05.")
    ] = None,
    decoder: Annotated[str, typer.Option(help="sample, or beam (slower, not streamed).")] = "sample",
    soft: Annotated[bool, typer.Option("--soft", help="Also suppress words of similar meaning.")] = False,
    supplied: Annotated[
        str | None,
        typer.Option(help="allow or restrict what the caller says of it; default: see docs/supplied.md."),
    ] = None,
    tag: Tags = None,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="Where it takes approval, enforce it before; for approvers.")
    ] = False,
    reveal: Reveal = False,
) -> None:
    """Add one forget target and wait until it is enforced, unless it takes approval first."""
    draft = {
        "name": name,
        "kind": kind,
        "aliases": alias or [],
        "facts": [{"answer": text} for text in fact or []],
        "passages": [_text(file) for file in passage or []],
        "phrases": phrase or [],
        "patterns": [pattern_of(text) for text in pattern or []],
        "distinguish": distinguish or [],
        "variants": variants,
        "methods": method or ["guard"],
        "scope": scope,
        "mode": mode,
        "canary": canary,
        "decoder": decoder,
        "soft": soft,
        "supplied": supplied,
        "tags": tag or [],
    }
    _add(draft, reveal=reveal, urgent=urgent)


@targets.command("list")
@output_options
def list_(
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of targets to print.")] = 100,
    state: Annotated[
        str | None, typer.Option(help="active, revoked, expired, rejected, or proposed: what waits for approval.")
    ] = None,
    reveal: Reveal = False,
) -> None:
    """List forget targets, newest last."""
    with admin_client() as admin:
        # The server says what is wrong with a state.
        pages = admin.targets(state=cast("State | None", state), reveal=reveal, page=min(PAGE_TARGETS, limit))
        found = list(islice(pages, limit))
    rows = [
        (one.id, one.name, one.kind, one.scope, _mode(one), _state(one), str(len(one.forbidden))) for one in found
    ]
    columns = ("id", "name", "kind", "scope", "mode", "state", "phrases")
    show(
        {"targets": [one.model_dump(mode="json") for one in found]},
        lambda: print_table(columns, rows, less_important=("kind", "phrases", "state", "scope")),
        (one.id for one in found),
    )


@targets.command("show")
@output_options
def show_(target_id: str, reveal: Reveal = False) -> None:
    """Show one forget target."""
    with admin_client() as admin:
        show_target(admin.get(target_id, reveal=reveal))


@targets.command()
@output_options
def quoted(
    target_id: str,
    file: Annotated[Path, typer.Argument(help="File with served text, for instance the answers in a log.")],
) -> None:
    """Report the longest exact and near quote of a target's passages; exit with 1 if the first is forbidden."""
    from guard.matching.alignment import longest_near_quote
    from guard.targets.passages import longest_quote

    text = _text(file)
    with admin_client() as admin:
        target = admin.get(target_id, reveal=True)
    quote = longest_quote(target.passages, text)
    place = f" (passage {quote.passage + 1} of {len(target.passages)})" if quote.words else ""
    limit = target.quoted_words
    near = max(quote.words, longest_near_quote(target.passages, text))

    def say() -> None:
        console.print(f"longest quote: {quote.words} words{place}; runs of {limit} words are forbidden")
        console.print(f"longest near quote: {near} words, less those that were replaced, added or left out")

    passage = quote.passage + 1 if quote.words else None
    show({"longest_quote": quote.words, "passage": passage, "limit": limit, "longest_near_quote": near}, say)
    if quote.words >= limit:
        raise typer.Exit(1)


@targets.command()
@output_options
def revoke(target_id: str) -> None:
    """Revoke one forget target and wait until it is no longer enforced; where that takes approval, propose it."""
    with admin_client() as admin:
        admin.revoke(target_id)
        state = _state_after(admin, target_id)
    show({"id": target_id, "state": state}, lambda: console.print(f"{target_id} {state}"), [target_id])


@targets.command("import")
@output_options
def import_(
    file: Annotated[Path, typer.Argument(help="Forget targets: JSON, a JSON list, JSON Lines, or CSV.")],
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out targets whose kind and name are stored already.")
    ] = False,
    wait: Annotated[int, typer.Option(min=0, help="Seconds to wait until all are enforced in full.")] = 600,
) -> None:
    """Import forget targets and wait until they are enforced; up to 1,000 of them all or none.

    Exit status: 0 when all are enforced, 1 when a row is refused, 3 when all are stored and not yet enforced.
    """
    from serving.cli.admin.target_import import Importer

    try:
        rows = read_rows(file)
    except UnreadableFile as error:
        fail("unreadable_file", str(error))
    with admin_client() as admin:
        importer = Importer(admin, skip_existing)
        try:
            importer.store(rows)
            done = importer.wait(wait)
        finally:
            show(importer.outcome(), lambda: typer.echo(importer.report(), nl=False), importer.ids)
    if not done:
        raise typer.Exit(STORED_ONLY)


@targets.command()
@output_options
def export(
    file: Annotated[Path, typer.Argument(help="File to write, or '-' for standard output.")],
) -> None:
    """Export the active forget targets, texts in clear, as JSON Lines that `import` takes back."""
    from guard.files import write_atomically

    with admin_client() as admin:
        found = admin.targets(state="active", reveal=True, page=PAGE_TARGETS)
        lines = [as_line(target.model_dump(mode="json")) for target in found]
    text = "".join(f"{line}\n" for line in lines)
    if str(file) == "-":
        show({"targets": [json.loads(line) for line in lines]}, lambda: typer.echo(text, nl=False))
        return
    try:
        write_atomically(file, text, durable=True, private=True)
    except OSError as error:
        fail("unwritable_file", f"{file}: {error.strerror}")
    show({"file": str(file), "exported": len(lines)}, lambda: console.print(f"exported: {len(lines)}"))


def _add(draft: Mapping[str, object], *, reveal: bool, urgent: bool) -> None:
    with admin_client() as admin:
        # The server says what is wrong with a value.
        show_target(admin.add(cast("TargetDraft", draft), reveal=reveal, urgent=urgent))


def _state(target: Target) -> str:
    """Return the state, with what is proposed of a target in force and the revision to approve."""
    change = target.proposed
    if change is None or not change.is_open:
        return target.state
    return f"{target.state}, {change.change} proposed at revision {change.revision}"


def _mode(target: Target) -> str:
    return target.mode if target.canary is None else f"{target.mode}, canary {target.canary:g}"


def _state_after(admin: AdminClient, target_id: str) -> str:
    """Return what a revocation has made of a target: it has ended, or waits for approval."""
    from serving.client import NotFound

    try:
        return _state(admin.get(target_id))
    except NotFound:
        return "revoked"


def _text(file: Path) -> str:
    try:
        return read_text(file)
    except UnreadableFile as error:
        fail("unreadable_file", str(error))


def show_target(target: Target) -> None:
    """Print a target: all of it, for people too."""
    show(target, lambda: console.print_json(target.model_dump_json()), [target.id])
