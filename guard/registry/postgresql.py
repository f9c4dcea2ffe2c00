"""A registry in a PostgreSQL database, which any number of servers share."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from guard.errors import StoreUnavailable, StoreUnreachable
from guard.registry.database import PARTS, Connection, Cursor, PostgresUrl, Texts
from guard.registry.postgresql_schema import POLICY_CHANNEL, migrate
from guard.registry.rows.plain import PlainTexts

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 8
"""Connections of one process, besides the one that listens."""
BORROW_TIMEOUT_S = 10.0
RECONNECT_PAUSE_S = 1.0
_TEXT_TABLES = ", ".join(("targets", "vectors", *(part.table for part in PARTS)))

# A server that is gone is noticed within about ten seconds. The URL may set any of these otherwise, see libpq.
_CONNECTION_DEFAULTS = {
    "application_name": "lethe",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
# The last frees the lock of the only writer when its process is cut off in the middle of a transaction.
_SESSION_DEFAULTS = "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"

# Of these another try may succeed; ReadOnlySqlTransaction: the server is a standby by now.
_PASSING = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)


class PostgresDatabase:
    """The `Database` at `url`. A connection that fails is not used again: the next call opens another.

    A write transaction locks the row of the policy version, so that events and versions have neither gaps nor
    duplicates, whoever writes.
    """

    clock = "extract(epoch FROM clock_timestamp())::float8"

    def __init__(self, url: PostgresUrl) -> None:
        self.texts: Texts = PlainTexts()
        self._parameters = _parameters(url)
        self._idle: list[psycopg.Connection] = []
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._closed = False
        try:
            with self._transaction("BEGIN") as connection:
                migrate(connection)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the one write transaction of all processes: durable when the block ends, else rolled back."""
        with self._transaction("BEGIN") as connection:
            connection.execute("SELECT version FROM policy FOR UPDATE")
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """Open a write transaction that neither waits for that of `writing` nor for the disk or a standby."""
        with self._transaction("BEGIN") as connection:
            connection.execute("SET LOCAL synchronous_commit = off")
            yield connection

    def locked(self, connection: Connection, ids: Collection[str]) -> frozenset[str]:
        """Lock the rows of these targets, as far as nobody has; without waiting, so that nobody waits for us."""
        rows = connection.execute("SELECT id FROM targets WHERE id = ANY(?) FOR SHARE SKIP LOCKED", (list(ids),))
        return frozenset(id for (id,) in rows)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a read transaction, which sees one committed state throughout, also of a standby."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield connection

    def scrub(self) -> None:
        """Vacuum the tables that hold texts. Where that fails, the texts wait for the database's own vacuum."""
        try:
            with self._connection() as connection:
                connection.execute(f"VACUUM (SKIP_LOCKED) {_TEXT_TABLES}".encode())
        except StoreUnavailable as error:
            log.warning("erased texts wait for autovacuum: %s", error.message)

    def rewrite(self) -> None:
        """Write the tables that hold texts anew; nobody can use them meanwhile."""
        with self._connection() as connection:
            # As long as it takes: the default limit of a statement is one for serving.
            connection.execute("SET statement_timeout = 0")
            try:
                connection.execute(f"VACUUM (FULL) {_TEXT_TABLES}".encode())
            finally:
                connection.execute("RESET statement_timeout")

    async def listen(self, changed: Callable[[], object]) -> None:
        """Call `changed` after each change of the policy that the database notifies of, until cancelled."""
        while True:
            with suppress(psycopg.Error):
                connection = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
                async with connection:
                    await connection.execute(f"LISTEN {POLICY_CHANNEL}")
                    # What was changed while nobody listened.
                    changed()
                    async for _ in connection.notifies():
                        changed()
            await asyncio.sleep(RECONNECT_PAUSE_S)

    def close(self) -> None:
        """Close the idle connections at once, and the others when they are given back."""
        self._closed = True
        self._close_idle()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self._connection(begin) as connection:
            try:
                yield _Statements(connection, self.texts)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _connection(self, begin: str = "SELECT 1") -> Iterator[psycopg.Connection]:
        """Lend a connection on which `begin` has been executed, an idle one if there is one that still works."""
        if not self._free.acquire(timeout=BORROW_TIMEOUT_S):
            raise StoreUnreachable("the registry's database cannot be used (all connections are busy)")
        try:
            with _as_store_errors():
                connection = self._begun(begin)
                try:
                    yield connection
                except psycopg.Error:
                    # The server may be a standby by now: the connections that it has are of no more use.
                    connection.close()
                    self._close_idle()
                    raise
                finally:
                    self._return(connection)
        finally:
            self._free.release()

    def _begun(self, begin: str) -> psycopg.Connection:
        if self._closed:
            raise StoreUnavailable("the registry is closed")
        while self._idle:
            with suppress(IndexError):
                connection = self._idle.pop()
                try:
                    connection.execute(begin.encode())
                except psycopg.Error:
                    connection.close()
                    self._close_idle()
                else:
                    return connection
        # Not prepared on the server: poolers in front of it may not know of prepared statements.
        connection = psycopg.connect(**self._parameters, autocommit=True, prepare_threshold=None)
        connection.execute(begin.encode())
        return connection

    def _return(self, connection: psycopg.Connection) -> None:
        if self._closed:
            connection.close()
        elif not connection.closed:
            self._idle.append(connection)

    def _close_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()


class _Statements:
    """A `Connection`: `?` stands for a parameter, as in SQLite."""

    def __init__(self, connection: psycopg.Connection, texts: Texts) -> None:
        self.texts = texts
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Cursor:
        # Vectors would be twice as long in text; without parameters it may be several statements, which have no
        # binary form.
        return self._connection.execute(_in_psycopg(statement), parameters or None, binary=bool(parameters))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object:
        with self._connection.cursor() as cursor:
            cursor.executemany(_in_psycopg(statement), rows)
        return None


def _in_psycopg(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _parameters(url: PostgresUrl) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(url.value)
    except psycopg.ProgrammingError:
        raise StoreUnavailable("the database's URL is malformed") from None
    options = f"{_SESSION_DEFAULTS} {given.pop('options', None) or ''}".strip()
    return {**_CONNECTION_DEFAULTS, **given, "options": options}


@contextmanager
def _as_store_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        # Messages of the database quote values.
        cause = type(error).__name__ if error.sqlstate is None else f"{type(error).__name__}, {error.sqlstate}"
        kind = StoreUnreachable if isinstance(error, _PASSING) else StoreUnavailable
        raise kind(f"the registry's database cannot be used ({cause})") from None
