"""The data folder belongs to one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guard.errors import BadSettings

LOCK_NAME = "server.lock"


class DataFolderInUse(BadSettings):
    """Another process, usually another server, uses the data folder."""

    code = "data_dir_in_use"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold the data folder, made where it is missing, until the block ends or this process does.

    Raises DataFolderInUse, which names the process that holds it, and BadSettings when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadSettings(f"the data folder {folder} cannot be written: {error.strerror}") from None
    try:
        _lock(handle, folder)
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        # Not flock: processes that were forked, as an engine is, would hold it beyond this one's death.
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        holder = os.pread(handle, 32, 0).decode(errors="replace").strip()
        raise DataFolderInUse(
            f"the data folder {folder} is in use by process {holder or '(unknown)'}; two servers need two folders"
        ) from None
    except OSError as error:
        raise BadSettings(f"the data folder {folder} cannot be locked: {error.strerror}") from None
