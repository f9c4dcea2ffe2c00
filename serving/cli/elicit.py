"""`lethe targets elicit`, `proposals` and `accept`: what the served model says of targets, for review."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from serving.cli.console import admin_client, console, errors, print_table, progress_bar
from serving.cli.targets import Reveal, active_targets

if TYPE_CHECKING:
    from serving.admin.client import AdminClient

POLL_S = 1.0
_COLUMNS = ("proposal", "change", "kind", "times", "styles", "accepted", "text")


def elicit(
    target_id: Annotated[str | None, typer.Argument(help="Id of the target; or --all.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All active targets but secrets, one after the other.")
    ] = False,
    accept: Annotated[str | None, typer.Option(help="all: add all that is found to the target.")] = None,
    samples: Annotated[int, typer.Option(min=0, max=16, help="Answers at each temperature.")] = 2,
    rounds: Annotated[int, typer.Option(min=0, max=4, help="Rounds about what was found.")] = 2,
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
    options = {"samples": samples, "rounds": rounds, "concurrency": concurrency}
    with admin_client() as admin:
        ids = [str(target_id)] if target_id else _elicitable(admin)
        failed = False
        for number, one in enumerate(ids, 1):
            with progress_bar() as bar:
                found = _elicited(admin, one, options, accept, reveal, _share_of(bar, number, len(ids)))
            failed |= found["state"] != "done"
            _print(found, changes_only=every)
    if failed:
        raise typer.Exit(1)


def proposals(target_id: str, reveal: Reveal = False) -> None:
    """List what the last elicitation of a target found."""
    with admin_client() as admin:
        _print(admin.elicitation(target_id, reveal=reveal), changes_only=False)


def accept(
    target_id: str,
    proposal: Annotated[list[str], typer.Argument(help="Ids of proposals, or all.")],
) -> None:
    """Add proposals to a target and wait until they are enforced."""
    with admin_client() as admin:
        target = admin.accept(target_id, "all" if proposal == ["all"] else proposal)
    console.print(f"{target_id}: {len(target['forbidden'])} phrases forbidden")


def _elicitable(admin: AdminClient) -> list[str]:
    return [target["id"] for target in active_targets(admin, reveal=False) if target["kind"] != "secret"]


def _elicited(
    admin: AdminClient,
    target_id: str,
    options: Mapping[str, int],
    accept: str | None,
    reveal: bool,
    show: Callable[[float], None],
) -> Any:
    """Return the elicitation once it has ended; an interrupt cancels it."""
    job = admin.elicit(target_id, options, accept=accept)
    try:
        while job["state"] in ("queued", "running"):
            show(job["share"])
            time.sleep(POLL_S)
            job = admin.elicitation(target_id)
    except KeyboardInterrupt:
        admin.cancel_elicitation(target_id)
        raise
    return admin.elicitation(target_id, reveal=reveal)


def _share_of(bar: Callable[[str, float], None], number: int, count: int) -> Callable[[float], None]:
    return lambda share: bar(f"target {number} of {count}", (number - 1 + share) / count)


def _print(found: Any, *, changes_only: bool) -> None:
    if found["state"] in ("failed", "lost"):
        why = " ".join(filter(None, (found["target_id"], found["code"], found["detail"])))
        errors.print(why, highlight=False, soft_wrap=True)
    changes = Counter(one["change"] for one in found["proposals"])
    counts = ", ".join(f"{changes[change]} {change}" for change in ("new", "same", "gone"))
    typer.echo(f"{found['target_id']}: {found['state']}, {found['answers']} answers; proposals: {counts}")
    listed = [one for one in found["proposals"] if not changes_only or one["change"] != "same"]
    if listed:
        print_table(_COLUMNS, map(_cells, listed))


def _cells(one: Any) -> Sequence[str]:
    styles, accepted = ", ".join(one["styles"]), "yes" if one["accepted"] else ""
    return one["id"], one["change"], one["kind"], str(one["times"]), styles, accepted, one["text"]
