"""`lethe registry`: copy the registry from one database to another."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.console import console, reported

if TYPE_CHECKING:
    from guard.registry.database import Location

registry = typer.Typer(no_args_is_help=True, help="Copy the registry between SQLite and PostgreSQL.")


@registry.callback()
def _group() -> None:
    # Without it typer takes the only command for the group itself.
    pass


@registry.command()
def copy(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="URL of the registry: sqlite:///PATH, postgresql://...")
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="URL of an empty database.")],
) -> None:
    """Copy a registry, its audit trail included, into an empty database; its servers must be stopped."""
    from guard.registry import copying
    from guard.registry.database import location_of

    with reported(), ExitStack() as held:
        places = location_of(source), location_of(target)
        for place in places:
            _hold(place, held)
        copied = copying.copy(*places)
    console.print(f"policy version {copied.version}, {copied.targets} targets, {copied.events} events")
    console.print(f"digest {copied.digest}", soft_wrap=True)


def _hold(place: Location, held: ExitStack) -> None:
    """Hold the data folder that a SQLite file is in, so that no server uses it meanwhile."""
    from serving.data_folder import LOCK_NAME, owned

    if isinstance(place, Path) and (place.parent / LOCK_NAME).exists():
        held.enter_context(owned(place.parent))
