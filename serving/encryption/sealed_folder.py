"""A folder in memory whose files are kept sealed in a folder on disk, file by file."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guard.encryption.sealing import SealBroken, Secret, open_sealed, seal
from guard.errors import StoreUnavailable
from guard.files import atomic_file, remove_partial

SUFFIX = ".sealed"
CHUNK_BYTES = 16 * 2**20
_LENGTH_BYTES = 4
_OPENED = ".opened"
"""The file in memory that says that everything there was opened."""


_Mark = tuple[int, int, int]
"""Size, time of the last change and inode: a file with the same has not changed."""


class SealedFolder:
    """The files below `folder`, which is in memory, and their sealed copies below `disk`, under the same names.

    Parts of the tree that are named in `passing` have no copies: they can be made again. Thread-safe within a
    process. Raises StoreUnavailable, of which SealBroken is one, when a file cannot be read or written.
    """

    def __init__(self, key: Secret, folder: Path, disk: Path, passing: frozenset[str] = frozenset()) -> None:
        self._key = key
        self._folder = folder
        self._disk = disk
        self._passing = passing
        self._kept: dict[str, _Mark] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Write every file that has a sealed copy into the folder; what an earlier process left there is kept.

        A file in memory is never older than its copy.
        """
        with self._lock, _as_store_errors():
            self._disk.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            opened = self._folder / _OPENED
            if not opened.exists():
                for name, copy in list(_files(self._disk)):
                    if not name.endswith(SUFFIX):
                        raise StoreUnavailable(
                            "the data folder has files that are not encrypted: run `lethe registry encrypt`"
                        )
                    self._restore(name.removesuffix(SUFFIX), copy)
                for folder in _folders(self._disk):
                    ours = self._folder / folder.relative_to(self._disk)
                    ours.mkdir(parents=True, exist_ok=True)
                    _same_time(folder, ours)
                opened.touch()
        self.keep()

    def seal_plain(self) -> None:
        """Seal the files on disk that are not, in their places, and remove those that need no copies."""
        with self._lock, _as_store_errors():
            for name, path in list(_files(self._disk)):
                if name.endswith(SUFFIX):
                    continue
                at = path.parent.stat().st_mtime_ns
                if not self._passes(name):
                    self._seal(name, path)
                path.unlink()
                os.utime(path.parent, ns=(at, at))

    def keep(self) -> None:
        """Seal what has changed since the last call, and remove the copies of what is not there any more."""
        with self._lock, _as_store_errors():
            present = {name: path for name, path in _files(self._folder) if not self._passes(name)}
            for name, path in present.items():
                mark = _mark(path)
                if self._kept.get(name) != mark:
                    self._seal(name, path)
                    self._kept[name] = mark
            self._kept = {name: mark for name, mark in self._kept.items() if name in present}
            for name, copy in list(_files(self._disk)):
                if name.removesuffix(SUFFIX) not in present:
                    copy.unlink()
            # The innermost first: what is written into a folder changes its time.
            for folder in sorted(_folders(self._disk), reverse=True):
                ours = self._folder / folder.relative_to(self._disk)
                if ours.is_dir():
                    _same_time(ours, folder)
                else:
                    shutil.rmtree(folder)

    def _passes(self, name: str) -> bool:
        return not self._passing.isdisjoint(Path(name).parts)

    def _seal(self, name: str, path: Path) -> None:
        copy = self._disk / f"{name}{SUFFIX}"
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_partial(copy.parent)
        with path.open("rb") as content, atomic_file(copy, durable=True, private=True) as file:
            chunks = max(1, -(-os.fstat(content.fileno()).st_size // CHUNK_BYTES))
            file.write(chunks.to_bytes(_LENGTH_BYTES, "big"))
            for number in range(chunks):
                sealed = seal(self._key, content.read(CHUNK_BYTES), "file", name, str(number), str(chunks))
                file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)

    def _restore(self, name: str, copy: Path) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("rb") as file, atomic_file(path, durable=False, private=True) as content:
            chunks = int.from_bytes(file.read(_LENGTH_BYTES), "big")
            for number in range(chunks):
                sealed = file.read(int.from_bytes(file.read(_LENGTH_BYTES), "big"))
                content.write(open_sealed(self._key, sealed, "file", name, str(number), str(chunks)))
            if not chunks or file.read(1):
                raise SealBroken("a sealed file is damaged")
        self._kept[name] = _mark(path)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder by their names from there, except temporary ones."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(".partial") and path.name != _OPENED:
            yield path.relative_to(folder).as_posix(), path


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_dir()]


def _mark(path: Path) -> _Mark:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _same_time(source: Path, target: Path) -> None:
    """Give a folder the time of another: that of an assistant says since when it is served."""
    at = source.stat().st_mtime_ns
    os.utime(target, ns=(at, at))


@contextmanager
def _as_store_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"a sealed file cannot be read or written: {error.strerror}") from None
