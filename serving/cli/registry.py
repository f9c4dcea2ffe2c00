"""`lethe registry`: copy the registry from one database to another, encrypt it, change its keys and its rule of
approval."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from serving.cli.console import console, progress_bar, reported
from serving.cli.output import output_options, show

if TYPE_CHECKING:
    from guard.registry.database import Location

registry = typer.Typer(
    no_args_is_help=True, help="Copy the registry between databases, encrypt it, change its keys and its approval."
)


DataDir = Annotated[Path | None, typer.Option(help="Folder of the database and caches.")]


@registry.command()
@output_options
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

    def say() -> None:
        console.print(f"policy version {copied.version}, {copied.targets} targets, {copied.events} events")
        console.print(f"digest {copied.digest}", soft_wrap=True)

    found = {"policy_version": copied.version, "targets": copied.targets, "events": copied.events}
    show(found | {"digest": copied.digest}, say)


@registry.command()
@output_options
def encrypt(data_dir: DataDir = None) -> None:
    """Encrypt a registry that is not, and the files of the data folder; its servers must be stopped.

    A run that was interrupted is taken up again.
    """
    from serving.data_folder import owned
    from serving.encryption.changes import encrypt_all
    from serving.settings import load

    with reported(), progress_bar() as bar:
        settings = load(data_dir=data_dir)
        with owned(settings.data_dir):
            done = encrypt_all(settings, settings.registry, settings.wrapping_key(), bar)
    show({"targets": done}, lambda: console.print(f"{done} targets are encrypted"))


@registry.command()
@output_options
def reencrypt(data_dir: DataDir = None) -> None:
    """Encrypt all targets again under a new data key and new keys of their own; servers may go on.

    A run that was interrupted is taken up again.
    """
    from serving.encryption.changes import encrypt_again
    from serving.settings import load

    with reported(), progress_bar() as bar:
        settings = load(data_dir=data_dir)
        done = encrypt_again(settings.registry, settings.wrapping_key(), bar)
    said = f"{done} targets are encrypted under a new data key"
    show({"targets": done}, lambda: console.print(said))


@registry.command()
@output_options
def rewrap(
    file: Annotated[Path | None, typer.Option(help="File of the new encryption key.")] = None,
    command: Annotated[str, typer.Option(help="Command that prints the new encryption key.")] = "",
    drop: Annotated[
        bool, typer.Option(help="Let no other key open it: all servers have started with this one.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Have another encryption key open the registry, too; servers may go on.

    With --drop the keys before open it no longer; without a new key, it is the configured one that remains.
    """
    from serving.encryption.changes import new_key, wrap_again
    from serving.settings import load

    with reported():
        settings = load(data_dir=data_dir)
        done = wrap_again(settings.registry, settings.wrapping_key(), new_key(file, command, drop), drop)
    said = f"{done} data keys are opened by {'this key alone' if drop else 'both keys'}"
    show({"data_keys": done}, lambda: console.print(said))


@registry.command()
@output_options
def approval(
    rule: Annotated[Literal["none", "four_eyes"] | None, typer.Argument(help="The new rule.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Show whether changes of what is enforced take a second person, or set it for all servers; they may go on."""
    from guard.registry.approval.rule import Approval, ApprovalRule
    from guard.registry.opening import open_database
    from guard.targets.audit_log import acting_as
    from serving.settings import load

    with reported(), closing(open_database(load(data_dir=data_dir).registry)) as database:
        stored = ApprovalRule(database)
        if rule is not None:
            with acting_as(_account()):
                stored.write(Approval(rule))
        found = stored.read()
    show({"approval": found.value}, lambda: console.print(found.value))


def _hold(place: Location, held: ExitStack) -> None:
    """Hold the data folder that a SQLite file is in, so that no server uses it meanwhile."""
    from serving.data_folder import LOCK_NAME, owned

    if isinstance(place, Path) and (place.parent / LOCK_NAME).exists():
        held.enter_context(owned(place.parent))


def _account() -> str:
    """Return who acts on the database itself, as audit trails name them: the account that runs this command."""
    import pwd

    from guard.targets.audit_log import Actor

    id = os.getuid()
    try:
        return f"{Actor.COMMAND}:{pwd.getpwuid(id).pw_name}"
    except KeyError:
        # A container may run under a number that has no name.
        return f"{Actor.COMMAND}:{id}"
