"""`lethe backup` and `lethe restore`: copy the databases of a data folder, and bring them back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from serving.cli.console import console, reported
from serving.cli.output import output_options, show

if TYPE_CHECKING:
    from serving.backup import Contents

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database and caches.")]


@output_options
def backup(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")], data_dir: DataDir = None
) -> None:
    """Copy the registry and the verdicts, also while a server runs; texts of targets are in the copy."""
    from serving import backup as backups
    from serving.settings import load

    with reported():
        settings = load(data_dir=data_dir)
        held = backups.backup(settings.registry, settings.data_dir, folder)
    _show(folder, held)


@output_options
def restore(
    folder: Annotated[Path, typer.Argument(help="Folder that `lethe backup` made.")], data_dir: DataDir = None
) -> None:
    """Replace the registry and the verdicts by those of a backup; the server must be stopped."""
    from serving import backup as backups
    from serving.data_folder import owned
    from serving.settings import load

    with reported():
        settings = load(data_dir=data_dir)
        with owned(settings.data_dir):
            held = backups.restore(folder, settings.registry, settings.data_dir)
    _show(settings.data_dir, held)


def _show(folder: Path, held: Contents) -> None:
    said = f"{folder}: policy version {held.version}, {held.active} active targets"
    found = {"folder": str(folder), "policy_version": held.version, "active_targets": held.active}
    show(found, lambda: console.print(said, soft_wrap=True))
