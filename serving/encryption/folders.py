"""The folders of a server whose files tell targets: in memory where the registry is encrypted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from guard.encryption.memory_folder import open_memory_folder
from guard.encryption.sealing import Secret
from serving.encryption.sealed_folder import SealedFolder

KEPT = ("assistants", "detector")
"""Folders whose files have sealed copies under the same names in the data folder. Policies are compiled again."""
TRAINING = "training"
"""The folder of checkpoints of trainings, which have no copies: they are large, and soon out of date."""
_COMPILED = ("*.automaton", "*.bias", "standing", ".*.partial")


class ServerFolders(Protocol):
    """The settings of a server that name its folders."""

    @property
    def data_dir(self) -> Path: ...

    @property
    def opened_dir(self) -> Path: ...


class MemoryFolders:
    """What a server with an encrypted registry has decrypted, in the folder `memory` on no disk."""

    def __init__(self, memory: Path, data_dir: Path, key: Secret) -> None:
        self._memory = memory
        self._data_dir = data_dir
        self._sealed = [SealedFolder(key, memory / name, data_dir / name, frozenset({TRAINING})) for name in KEPT]

    def open(self) -> None:
        """Make the folder, and open in it what has sealed copies in the data folder.

        Raises NotMemoryBacked, and StoreUnavailable if a copy cannot be opened.
        """
        open_memory_folder(self._memory)
        for folder in self._sealed:
            folder.open()
        remove_compiled(self._data_dir)

    def keep(self) -> None:
        """Seal what has changed. Raises StoreUnavailable."""
        for folder in self._sealed:
            folder.keep()

    def seal_plain(self) -> None:
        """Seal the files of the data folder that are not sealed yet, and remove compiled policies there."""
        for folder in self._sealed:
            folder.seal_plain()
        remove_compiled(self._data_dir)


@contextmanager
def opened_folders(settings: ServerFolders, key: Secret | None, *, remains: bool) -> Iterator[Callable[[], None]]:
    """Open what a server has decrypted in memory, and yield what seals the files that have changed.

    At the end they are sealed, and the folder in memory is removed, unless it `remains` for an engine that others
    run. Files that are uploaded are spooled there as well. Without a key nothing is done.
    """
    if key is None:
        yield lambda: None
        return
    memory, spooled = settings.opened_dir, tempfile.tempdir
    folders = MemoryFolders(memory, settings.data_dir, key)
    folders.open()
    tempfile.tempdir = str(memory)
    try:
        yield folders.keep
    finally:
        tempfile.tempdir = spooled
        folders.keep()
        if not remains:
            shutil.rmtree(memory, ignore_errors=True)


def remove_compiled(data_dir: Path) -> None:
    """Remove the compiled policies that a server without encryption left in its data folder."""
    for pattern in _COMPILED:
        for path in (data_dir / "policy").glob(pattern):
            path.unlink(missing_ok=True)
