"""Files and folders that are written whole or not at all: a reader sees the old content or the new, never a part.

The content goes to a temporary file (`.<name>.<random>.partial`) in the same folder, which is renamed when it is
complete. A process that is killed before that leaves the temporary file and the old content.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, data: bytes | str, *, durable: bool, private: bool) -> None:
    """Replace the content of the file `path`; text is written as UTF-8. See `atomic_file`."""
    with atomic_file(path, durable=durable, private=private) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def atomic_file(path: Path, *, durable: bool, private: bool) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` when the block ends, and is removed when the block raises.

    `durable`: file and folder reach the disk before the return, so that the content survives a power cut.
    `private`: mode 0600; otherwise the umask decides. The folder must exist. Raises OSError.
    """
    partial = _partial(path)
    mode = 0o600 if private else 0o666
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    if durable:
        _sync(path.parent)


@contextmanager
def atomic_folder(path: Path, *, durable: bool) -> Iterator[Path]:
    """Give an empty folder to fill, which becomes `path` when the block ends and is removed when it raises.

    Its parent must exist, and `path` must not. `durable` holds for the files directly in it, as in `atomic_file`.
    The mode is decided by the umask. Raises OSError.
    """
    partial = _partial(path)
    partial.mkdir()
    try:
        yield partial
        if durable:
            for each in (*partial.iterdir(), partial):
                _sync(each)
        os.rename(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if durable:
        _sync(path.parent)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, made where it is missing; waits while another process, or thread, holds it."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_partial(folder: Path) -> None:
    """Remove the temporary files and folders that killed writers left in `folder`; nobody may be writing there."""
    for partial in folder.glob(".*.partial"):
        if partial.is_dir() and not partial.is_symlink():
            shutil.rmtree(partial)
        else:
            partial.unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
