"""The databases that a registry can be in, SQLite or PostgreSQL, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from guard.encryption.sealing import Secret
from guard.errors import BadSettings
from guard.targets.target import ForgetTarget

APPLICATION_ID = 0x4C455448
"""Marks the files and locks of Lethe; "LETH" in ASCII."""


class Cursor(Protocol):
    """The rows of one statement."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """Statements inside a transaction, in the SQL that SQLite and PostgreSQL share; `?` stands for a parameter."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Cursor: ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object: ...


class Connection(Statements, Protocol):
    """Statements on a registry."""

    @property
    def texts(self) -> Texts:
        """How the texts of targets are stored."""


class VectorKey(NamedTuple):
    """The key of cached vectors: a target at a revision."""

    target_id: str
    revision: int


class StoredTexts(NamedTuple):
    """What a row stores of a target's texts: JSON, or hardly anything and the JSON sealed.

    data_key    number of the data key that wraps the target's own, 0 if nothing is sealed
    target_key  the target's own key, wrapped
    """

    draft: str
    forbidden: str
    variants: str
    folded_name: str
    data_key: int
    target_key: bytes | None
    sealed: bytes | None


class OpenTexts(NamedTuple):
    """The texts of a target: the members of its draft, its phrases and their variants."""

    draft: dict[str, Any]
    forbidden: list[str]
    variants: list[str]


class Part(NamedTuple):
    """What another table than that of the targets stores of their texts: JSON, or JSON sealed; "" is nothing.

    key  the columns of its primary key, the target's id first
    """

    name: str
    table: str
    column: str
    key: tuple[str, ...] = ("target_id",)


PROPOSALS = Part("proposals", "elicitations", "proposals")
"""What elicitations propose."""
PROPOSED_CHANGE = Part("change", "proposed_changes", "content")
"""What people propose, or why that was rejected."""
REVISION = Part("revision", "revisions", "content", ("target_id", "revision"))
"""What targets were before they were changed."""
PARTS = (PROPOSALS, PROPOSED_CHANGE, REVISION)


class Texts(Protocol):
    """How the texts of targets are stored: as they are, or sealed. Thread-safe; errors are StoreUnavailable."""

    @property
    def files_key(self) -> Secret | None:
        """The key that seals files which tell targets, None if they are not sealed."""

    def stored(self, connection: Connection, targets: Sequence[ForgetTarget], new: bool) -> list[StoredTexts]:
        """Return what the rows of these targets store; `new`: there are no such rows yet."""

    def opened(self, connection: Connection, id: str, state: str, revision: int, stored: StoredTexts) -> OpenTexts:
        """Return the texts of a target. Raises ValueError too if they are malformed."""

    def named(self, connection: Connection, kind: str, name: str) -> Sequence[str]:
        """Return the ids of the active targets of this kind and folded name."""

    def positions(self, connection: Connection, part: str) -> list[int] | None:
        """Return the positions of the active targets whose folded name contains `part`, in their order.

        None: the database can search the names.
        """

    def stored_part(self, connection: Connection, part: Part, id: str, content: bytes) -> str:
        """Return what another table stores of a target, which has a row; `content` is JSON."""

    def open_part(self, connection: Connection, part: Part, id: str, stored: str) -> bytes:
        """Return the JSON of such a part."""

    def stored_vectors(
        self, connection: Connection, embedder: str, vectors: Mapping[VectorKey, bytes]
    ) -> Mapping[VectorKey, bytes]:
        """Return what is stored of the vectors of targets at revisions, of those targets that there are."""

    def open_vectors(self, connection: Connection, embedder: str) -> dict[VectorKey, bytes]:
        """Return the cached vectors of an embedder by target and revision."""


class Database(Protocol):
    """Transactions on a database. Thread-safe; errors of the database are raised as `StoreUnavailable`."""

    texts: Texts
    """How the texts of targets are stored, as its connections say: as they are, until this is set."""

    @property
    def clock(self) -> str:
        """The SQL expression of the time, in seconds since 1970, by the database's clock."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a write transaction: one at a time, durable when the block ends, rolled back if it raises."""

    def noting(self) -> AbstractContextManager[Connection]:
        """Open a write transaction for rows of no policy version: it need not wait for `writing`, and what it
        writes may be lost if the database crashes within a second."""

    def locked(self, connection: Connection, ids: Collection[str]) -> frozenset[str]:
        """Keep others from changing these targets until the transaction ends; return those whom nobody is
        changing already."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a read transaction, which sees one committed state throughout."""

    def scrub(self) -> None:
        """Remove what the database still holds of rows that were overwritten or deleted."""

    def rewrite(self) -> None:
        """Write the tables that hold texts anew, so that nothing is left of what they held before."""

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
