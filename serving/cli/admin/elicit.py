"""`lethe targets elicit`, `proposals` and `accept`: what the served model says of targets, for review."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.admin.targets import PAGE_TARGETS, Reveal
from serving.cli.console import admin_client, console, errors, progress_bar
from serving.cli.output import output_options, print_table, show, show_text

if TYPE_CHECKING:
    from serving.client import AdminClient
    from serving.client.requests import ElicitOptions
    from serving.client.targets import Elicitation, Proposal

POLL_S = 1.0
_COLUMNS = ("proposal", "change", "kind", "times", "styles", "accepted", "text")


@output_options
def elicit(
    target_id: Annotated[str | None, typer.Argument(help="Id of the target; or --all.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All active targets but secrets, one after the other.")
    ] = False,
    accept: Annotated[str | None, typer.Option(help="all: add all that is found to the target.")] = None,
    samples: Annotated[int, typer.Option(min=0, max=16, help="Answers at each temperature.")] = 2,
    rounds: Annotated[int, typer.Option(min=0, max=4, help="Rounds about what was found.")] = 2,
    beginnings: Annotated[
        bool,
        typer.Option(
            help="Also ask in words that the model itself begins questions with: finds more, takes long."
        ),
    ] = True,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at a time.")] = 8,
    reveal: Reveal = False,
) -> None:
    """Ask the served model, unrestricted, what it says of a target, and list it for review.

    After a change of the model, --all lists of all targets what the model says now and did not say before, or no
    longer says.
    """
    if (target_id is None) is not every:
        raise typer.BadParameter("name either a target or --all")
    if accept not in (None, "all"):
        raise typer.BadParameter("--accept takes all; `lethe targets accept` takes single proposals")
    options: ElicitOptions = {
        "samples": samples,
        "rounds": rounds,
        "beginnings": beginnings,
        "concurrency": concurrency,
    }
    found = []
    with admin_client() as admin:
        ids = [str(target_id)] if target_id else _elicitable(admin)
        for number, one in enumerate(ids, 1):
            with progress_bar() as bar:
                found.append(
                    _elicited(admin, one, options, bool(accept), reveal, _share_of(bar, number, len(ids)))
                )
            # What has ended is shown, though the next one may take long.
            show_text(lambda: _print(found[-1], changes_only=every))
    elicitations = {"elicitations": [one.model_dump(mode="json") for one in found]}
    show(elicitations, lambda: None, (proposal.id for one in found for proposal in one.proposals))
    if any(one.state != "done" for one in found):
        raise typer.Exit(1)


@output_options
def proposals(target_id: str, reveal: Reveal = False) -> None:
    """List what the last elicitation of a target found."""
    with admin_client() as admin:
        found = admin.elicitation(target_id, reveal=reveal)
    show(found, lambda: _print(found, changes_only=False), (one.id for one in found.proposals))


@output_options
def accept(
    target_id: str,
    proposal: Annotated[list[str], typer.Argument(help="Ids of proposals, or all.")],
) -> None:
    """Add proposals to a target and wait until they are enforced."""
    with admin_client() as admin:
        target = admin.accept(target_id, "all" if proposal == ["all"] else proposal)
    said = f"{target_id}: {len(target.forbidden)} phrases forbidden"
    show(target, lambda: console.print(said), [target_id])


def _elicitable(admin: AdminClient) -> list[str]:
    active = admin.targets(state="active", page=PAGE_TARGETS)
    return [target.id for target in active if target.kind != "secret"]


def _elicited(
    admin: AdminClient,
    target_id: str,
    options: ElicitOptions,
    accept: bool,
    reveal: bool,
    progress: Callable[[float], None],
) -> Elicitation:
    """Return the elicitation once it has ended; an interrupt cancels it."""
    job = admin.elicit(target_id, options, accept="all" if accept else None)
    try:
        while job.is_running:
            progress(job.share)
            time.sleep(POLL_S)
            job = admin.elicitation(target_id)
    except KeyboardInterrupt:
        admin.cancel_elicitation(target_id)
        raise
    return admin.elicitation(target_id, reveal=reveal)


def _share_of(bar: Callable[[str, float], None], number: int, count: int) -> Callable[[float], None]:
    return lambda share: bar(f"target {number} of {count}", (number - 1 + share) / count)


def _print(found: Elicitation, *, changes_only: bool) -> None:
    if found.state in ("failed", "lost"):
        why = " ".join(filter(None, (found.target_id, found.code, found.detail)))
        errors.print(why, highlight=False, soft_wrap=True)
    changes = Counter(one.change for one in found.proposals)
    counts = ", ".join(f"{changes[change]} {change}" for change in ("new", "same", "gone"))
    typer.echo(f"{found.target_id}: {found.state}, {found.answers} answers; proposals: {counts}")
    listed = [one for one in found.proposals if not changes_only or one.change != "same"]
    if listed:
        print_table(_COLUMNS, map(_cells, listed), less_important=("accepted", "times", "styles"))


def _cells(one: Proposal) -> Sequence[str]:
    styles, accepted = ", ".join(one.styles), "yes" if one.accepted else ""
    return one.id, one.change, one.kind, str(one.times), styles, accepted, one.text
