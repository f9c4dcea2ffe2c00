"""A registry in a SQLite file: one writer whose commits survive a power cut, readers that never wait for it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from guard.errors import StoreUnavailable
from guard.registry.database import Connection, Texts
from guard.registry.migrations import migrate
from guard.registry.rows.plain import PlainTexts

_BUSY_TIMEOUT_S = 10.0


class SqliteConnection(sqlite3.Connection):
    """A `Connection`."""

    texts: Texts


class SqliteDatabase:
    """The `Database` in the file at `path`, which is made, readable by its owner alone, if it does not exist."""

    clock = "(julianday('now') - 2440587.5) * 86400.0"

    def __init__(self, path: Path) -> None:
        self.texts: Texts = PlainTexts()
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[SqliteConnection] = []
        self._closed = False
        with _as_store_errors():
            _create_private(path)
            self._writer = self._connect()
            try:
                self._writer.execute("PRAGMA journal_mode = WAL")
                migrate(self._writer)
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def writing(self) -> Iterator[SqliteConnection]:
        """Open the one write transaction: durable when the block ends, rolled back if it raises."""
        with self._lock, _as_store_errors():
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.texts = self.texts
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise

    def noting(self) -> AbstractContextManager[SqliteConnection]:
        """Open the one write transaction."""
        return self.writing()

    def locked(self, connection: Connection, ids: Collection[str]) -> frozenset[str]:
        """Return the ids: nobody else writes."""
        return frozenset(ids)

    @contextmanager
    def reading(self) -> Iterator[SqliteConnection]:
        """Open a read transaction, which sees one committed state throughout, on its own connection."""
        with _as_store_errors():
            connection = self._borrow()
            try:
                connection.execute("BEGIN")
                connection.texts = self.texts
                yield connection
            finally:
                self._return(connection)

    def scrub(self) -> None:
        """Checkpoint and truncate the write-ahead log, so that no erased text is left in it."""
        with self._lock, _as_store_errors():
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def rewrite(self) -> None:
        """Write the whole file anew, and empty the write-ahead log."""
        with self._lock, _as_store_errors():
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    async def listen(self, changed: Callable[[], object]) -> None:
        """Return at once: one process owns the file, and knows what it changes."""

    def close(self) -> None:
        """Close the file; the database cannot be used afterwards."""
        with self._lock:
            self._closed = True
            for connection in (*self._idle, self._writer):
                connection.close()

    def _borrow(self) -> SqliteConnection:
        if self._closed:
            raise StoreUnavailable("the registry is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _return(self, connection: SqliteConnection) -> None:
        try:
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            return
        self._idle.append(connection)
        if self._closed:
            connection.close()

    def _connect(self) -> SqliteConnection:
        # As a URI in mode rw: a file that vanished is an error, not a new, empty registry.
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            factory=SqliteConnection,
        )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        return connection


@contextmanager
def _as_store_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        cause = getattr(error, "sqlite_errorname", None) or type(error).__name__
        raise StoreUnavailable(f"the registry's database cannot be used ({cause})") from None
    except OSError as error:
        raise StoreUnavailable(f"the registry's file cannot be used ({error.strerror})") from None


def _create_private(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
