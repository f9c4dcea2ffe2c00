"""Cases: that somebody asked for a target to be forgotten, when that came, until when it must be answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from guard.errors import UnknownTarget
from guard.registry.database import Connection, Database

COLUMNS = "target_id, received_at, due_at, requester, closed_at"


class CaseState(StrEnum):
    """open     not closed yet
    overdue  open, and due before now
    closed   answered
    """

    OPEN = "open"
    OVERDUE = "overdue"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A request to forget. `requester` is a reference of a ticket or a customer, no name; times are in UTC."""

    target_id: str
    received_at: datetime
    due_at: datetime
    requester: str = ""
    closed_at: datetime | None = None

    def state(self, now: datetime) -> CaseState:
        """Return the state as of `now`."""
        if self.closed_at is not None:
            return CaseState.CLOSED
        return CaseState.OVERDUE if self.due_at < now else CaseState.OPEN


class CasePage(NamedTuple):
    """Cases, and where the next page begins, if there is one."""

    cases: list[Case]
    next: int | None


class CaseCounts(NamedTuple):
    """How many cases are open, and how many of these are overdue."""

    open: int
    overdue: int


class Cases:
    """The cases of a registry, at most one for each target. They stay when a target has ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, case: Case) -> None:
        """Store a case in the place of what the target had. Raises `UnknownTarget`."""
        with self._database.writing() as connection:
            _require_target(connection, case.target_id)
            connection.execute(
                f"""INSERT INTO cases ({COLUMNS}) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (target_id) DO UPDATE
                    SET received_at = excluded.received_at, due_at = excluded.due_at,
                        requester = excluded.requester, closed_at = excluded.closed_at""",
                (
                    case.target_id,
                    _written(case.received_at),
                    _written(case.due_at),
                    case.requester,
                    _written(case.closed_at) if case.closed_at else None,
                ),
            )

    def get(self, target_id: str) -> Case:
        """Return the case of a target. Raises `UnknownTarget` if it has none."""
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT {COLUMNS} FROM cases WHERE target_id = ?", (target_id,)).fetchone()
        if row is None:
            raise UnknownTarget("no case of a target with this id")
        return _case_of(row)

    def count(self, now: datetime) -> CaseCounts:
        """Return how many cases are open, and how many of these are overdue as of `now`."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT count(*), count(CASE WHEN due_at < ? THEN 1 END) FROM cases WHERE closed_at IS NULL",
                (_written(now),),
            ).fetchone()
        return CaseCounts(*row)

    def list(self, state: CaseState | None, now: datetime, after: int = 0, limit: int = 100) -> CasePage:
        """Return up to `limit` cases in a state as of `now` (all, if None), the first due first, after `after`."""
        conditions = {
            None: "1 = 1",
            CaseState.OPEN: "closed_at IS NULL",
            CaseState.OVERDUE: "closed_at IS NULL AND due_at < ?",
            CaseState.CLOSED: "closed_at IS NOT NULL",
        }
        given = (_written(now),) if state is CaseState.OVERDUE else ()
        with self._database.reading() as connection:
            rows = connection.execute(
                f"""SELECT {COLUMNS} FROM cases WHERE {conditions[state]}
                    ORDER BY due_at, target_id LIMIT ? OFFSET ?""",
                (*given, limit + 1, after),
            ).fetchall()
        return CasePage([_case_of(row) for row in rows[:limit]], after + limit if len(rows) > limit else None)


def _require_target(connection: Connection, id: str) -> None:
    if connection.execute("SELECT 1 FROM targets WHERE id = ?", (id,)).fetchone() is None:
        raise UnknownTarget("no forget target has this id")


def _written(at: datetime) -> str:
    # All alike, so that texts sort as the times do.
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _case_of(row: Any) -> Case:
    target_id, received_at, due_at, requester, closed_at = row
    return Case(
        target_id=target_id,
        received_at=datetime.fromisoformat(received_at),
        due_at=datetime.fromisoformat(due_at),
        requester=requester,
        closed_at=datetime.fromisoformat(closed_at) if closed_at else None,
    )
