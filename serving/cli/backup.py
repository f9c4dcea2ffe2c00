"""`lethe backup` and `lethe restore`: copy the databases of a data folder, and bring them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serving.cli.console import console, reported

DataDir = Annotated[Path | None, typer.Option(help="Folder of the database and caches.")]


def backup(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")], data_dir: DataDir = None
) -> None:
    """Copy the registry and the verdicts, also while a server runs; texts of targets are in the copy."""
    from serving import backup as backups
    from serving.settings import load

    with reported():
        settings = load(data_dir=data_dir)
        held = backups.backup(settings.registry, settings.data_dir, folder)
    console.print(f"{folder}: policy version {held.version}, {held.active} active targets", soft_wrap=True)


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
    console.print(
        f"{settings.data_dir}: policy version {held.version}, {held.active} active targets", soft_wrap=True
    )
