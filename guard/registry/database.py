"""The databases that a registry can be in, SQLite or PostgreSQL, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from guard.errors import BadSettings

APPLICATION_ID = 0x4C455448
"""Marks the files and locks of Lethe; "LETH" in ASCII."""


class Cursor(Protocol):
    """The rows of one statement."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """Statements inside a transaction, in the SQL that SQLite and PostgreSQL share; `?` stands for a parameter."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Cursor: ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object: ...


class Database(Protocol):
    """Transactions on a database. Thread-safe; errors of the database are raised as `StoreUnavailable`."""

    @property
    def clock(self) -> str:
        """The SQL expression of the time, in seconds since 1970, by the database's clock."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a write transaction: one at a time, durable when the block ends, rolled back if it raises."""

    def noting(self) -> AbstractContextManager[Connection]:
        """Open a write transaction for rows of no policy version: it need not wait for `writing`, and what it
        writes may be lost if the database crashes within a second."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a read transaction, which sees one committed state throughout."""

    def scrub(self) -> None:
        """Remove what the database still holds of rows that were overwritten or deleted."""

    async def listen(self, changed: Callable[[], object]) -> None:
        """Call `changed` soon after any process has changed the policy, until cancelled. Hints can be missed."""

    def close(self) -> None:
        """Close all connections; the database cannot be used afterwards."""


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """The URL of a PostgreSQL database. It may hold a password, so it is not printed."""

    value: str = field(repr=False)


Location = Path | PostgresUrl
"""Where a registry is: a SQLite file, or a PostgreSQL database."""


def location_of(url: str) -> Location:
    """Return the location that `sqlite:///PATH` or `postgresql://...` names.

    A path with a fourth slash is absolute. Raises BadSettings, which does not repeat the URL.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        return PostgresUrl(url)
    if separator and scheme == "sqlite" and rest[:1] == "/" and rest[1:] not in ("", ":memory:"):
        return Path(rest[1:])
    raise BadSettings("the database must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME")


def url_of(location: Location) -> str:
    """Return the URL by which another process finds the database; it may hold a password."""
    if isinstance(location, PostgresUrl):
        return location.value
    return f"sqlite:///{location.absolute()}"
