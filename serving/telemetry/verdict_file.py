"""Verdicts in a SQLite file of this server, for a registry that no other server shares."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from guard.errors import StoreUnavailable
from guard.registry.database import Statements

_SCHEMA = """CREATE TABLE IF NOT EXISTS verdicts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, request_id TEXT NOT NULL, target_id TEXT NOT NULL,
    revision INTEGER NOT NULL, score REAL NOT NULL, signals TEXT NOT NULL, kind TEXT NOT NULL,
    mode TEXT NOT NULL, touched_by TEXT NOT NULL DEFAULT 'question', server TEXT NOT NULL DEFAULT '',
    canary INTEGER NOT NULL DEFAULT 0)"""
# Files of earlier versions, which did not read answers, or knew of one server or of no canary, lack these.
_ADDED = {
    "touched_by": "ALTER TABLE verdicts ADD COLUMN touched_by TEXT NOT NULL DEFAULT 'question'",
    "server": "ALTER TABLE verdicts ADD COLUMN server TEXT NOT NULL DEFAULT ''",
    "canary": "ALTER TABLE verdicts ADD COLUMN canary INTEGER NOT NULL DEFAULT 0",
}


class VerdictFile:
    """The file at `path`, made, readable by its owner alone, where it is missing. Raises `StoreUnavailable`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def noting(self) -> Iterator[Statements]:
        """Open a write transaction."""
        with self._open() as connection, connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Open the file to be read."""
        with self._open() as connection:
            yield connection

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            # Readable only by its owner, as the registry is.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(sqlite3.connect(self._path, timeout=5)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_SCHEMA)
                columns = {row[1] for row in connection.execute("PRAGMA table_info(verdicts)")}
                for column in _ADDED.keys() - columns:
                    connection.execute(_ADDED[column])
                yield connection
        except (sqlite3.Error, OSError) as error:
            cause = getattr(error, "sqlite_errorname", None) or type(error).__name__
            raise StoreUnavailable(f"the verdicts' file cannot be used ({cause})") from None
