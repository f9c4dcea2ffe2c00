"""Backups of a data folder's databases, taken while a server runs, and their way back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from guard.errors import LetheError
from guard.files import atomic_file, atomic_folder
from guard.policy.folder import enforced_version
from guard.registry.database import Location, PostgresUrl

REGISTRY, VERDICTS = "lethe.db", "verdicts.db"
_BUSY_S = 30.0


class BackupFailed(LetheError):
    """A backup cannot be written, or is none."""

    code = "bad_backup"


class Contents(NamedTuple):
    """What a backup holds: the policy version, and the number of active targets."""

    version: int
    active: int


def backup(registry: Location, data_dir: Path, folder: Path) -> Contents:
    """Copy the registry and the verdicts of `data_dir` into the new folder `folder`, all or nothing.

    Each is copied in one state that SQLite vouches for, newest changes included, while a server goes on writing.
    Raises BackupFailed.
    """
    sources = _sources(registry, data_dir)
    if not sources[REGISTRY].is_file():
        raise BackupFailed(f"there is no {sources[REGISTRY].name} in {sources[REGISTRY].parent}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(folder, durable=True) as partial:
            partial.chmod(0o700)
            for name, source in sources.items():
                if source.is_file():
                    _copy(source, partial / name)
            return _contents(partial)
    except sqlite3.Error as error:
        raise BackupFailed(f"a database cannot be copied ({type(error).__name__})") from None
    except OSError as error:
        raise BackupFailed(f"the backup cannot be written: {error.strerror}") from None


def restore(folder: Path, registry: Location, data_dir: Path) -> Contents:
    """Replace the registry and the verdicts of `data_dir` by those of the backup `folder`; no server may use them.

    Nothing is replaced unless every database of the backup is whole. Raises BackupFailed.
    """
    targets = _sources(registry, data_dir)
    try:
        names = _present(folder)
        for name in names:
            _check(folder / name)
        contents = _contents(folder)
        for name in names:
            _replace(targets[name], folder / name)
        # What was enforced before is meant to be undone.
        (data_dir / "policy" / enforced_version.FILE_NAME).unlink(missing_ok=True)
    except sqlite3.Error as error:
        raise BackupFailed(f"the backup is not whole ({type(error).__name__})") from None
    except OSError as error:
        raise BackupFailed(f"the backup cannot be restored: {error.strerror}") from None
    return contents


def _sources(registry: Location, data_dir: Path) -> dict[str, Path]:
    """Return the databases of a server, by what they are called in a backup."""
    if isinstance(registry, PostgresUrl):
        raise BackupFailed("the registry is in PostgreSQL: use pg_dump and pg_restore")
    return {REGISTRY: registry, VERDICTS: data_dir / VERDICTS}


def _present(folder: Path) -> list[str]:
    if not (folder / REGISTRY).is_file():
        raise BackupFailed(f"there is no {REGISTRY} in {folder}")
    return [name for name in (REGISTRY, VERDICTS) if (folder / name).is_file()]


def _copy(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    uri = f"{source.absolute().as_uri()}?mode=rw"
    reading = sqlite3.connect(uri, uri=True, timeout=_BUSY_S)
    with closing(reading), closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
        # One file that is whole by itself, so that a copy of it is, too.
        writing.execute("PRAGMA journal_mode = DELETE").fetchone()
    _check(target)


def _check(database: Path) -> None:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise BackupFailed(f"{database.name} is damaged")


def _replace(path: Path, backup: Path) -> None:
    with atomic_file(path, durable=True, private=True) as file:
        file.write(backup.read_bytes())
        # The log of the database that is replaced; SQLite would apply it to the new one.
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _contents(folder: Path) -> Contents:
    with closing(sqlite3.connect(f"{(folder / REGISTRY).absolute().as_uri()}?mode=ro", uri=True)) as connection:
        (version,) = connection.execute("SELECT version FROM policy").fetchone()
        (active,) = connection.execute("SELECT count(*) FROM targets WHERE state = 'active'").fetchone()
    return Contents(version, active)
