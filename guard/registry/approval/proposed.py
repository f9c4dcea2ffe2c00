"""A proposed change: what is to become of a target, who proposed it, and who decided it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from guard.errors import StoreUnavailable
from guard.registry.database import PROPOSED_CHANGE, Connection
from guard.registry.rows.draft import draft_of
from guard.targets.target import Draft

CHANGE_COLUMNS = (
    "target_id, change, state, base, revision, proposer, identity, proposed_at, decided_by, decided_at, content"
)
MAX_REASON_CHARS = 256


class Person(NamedTuple):
    """Who proposes or decides: as the audit trail names them, and what their keys and tokens have in common.

    identity  folded name: two keys of one name are one person
    """

    actor: str
    identity: str


class Overdue(NamedTuple):
    """A new target that would have ended while it waits for approval, and the revision that is proposed."""

    target_id: str
    revision: int


class ChangeKind(StrEnum):
    """What is to become of a target."""

    ADD = "add"
    CHANGE = "change"
    REVOKE = "revoke"


class ChangeState(StrEnum):
    """`open` waits for a second person; `rejected` stays, with its reason, until the next one is proposed."""

    OPEN = "open"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedChange:
    """A change of one target that one person proposes.

    base      revision of the target in force that it changes; 0 for a target that is not in force
    revision  revision that the target has once it is approved, never that of another proposal
    draft     what the target is to become; None for a revocation, for a new target, which has a row, and once
              it is decided
    reason    why it was rejected
    """

    target_id: str
    kind: ChangeKind
    state: ChangeState
    base: int
    revision: int
    proposer: Person
    proposed_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    draft: Draft | None = field(default=None, repr=False)
    reason: str = field(default="", repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it waits for a second person."""
        return self.state is ChangeState.OPEN


def found_change(connection: Connection, id: str) -> ProposedChange | None:
    """Return the change of a target that waits for approval, or was rejected last, if there is one."""
    statement = f"SELECT {CHANGE_COLUMNS} FROM proposed_changes WHERE target_id = ?"
    row = connection.execute(statement, (id,)).fetchone()
    return _change_of(connection, row) if row else None


def found_changes(connection: Connection, ids: Sequence[str]) -> dict[str, ProposedChange]:
    """Return the changes of these targets that wait for approval, or were rejected last, by target."""
    if not ids:
        return {}
    places = ", ".join("?" * len(ids))
    rows = connection.execute(
        f"SELECT {CHANGE_COLUMNS} FROM proposed_changes WHERE target_id IN ({places})", list(ids)
    ).fetchall()
    return {row[0]: _change_of(connection, row) for row in rows}


def overdue_targets(connection: Connection, now: datetime) -> list[Overdue]:
    """Return the targets that wait for approval and whose `expires_at` is not after `now`."""
    rows = connection.execute(
        "SELECT id, revision FROM targets WHERE state = 'proposed' AND expires_at <= ?", (now.timestamp(),)
    )
    return [Overdue(*row) for row in rows.fetchall()]


def write_changes(connection: Connection, changes: Sequence[ProposedChange]) -> None:
    """Write changes, each in the place of what was stored for its target, which has a row."""
    columns = CHANGE_COLUMNS.split(", ")
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    connection.executemany(
        f"""INSERT INTO proposed_changes ({CHANGE_COLUMNS}) VALUES ({", ".join("?" * len(columns))})
            ON CONFLICT (target_id) DO UPDATE SET {replaced}""",
        [_row(connection, change) for change in changes],
    )


def remove_change(connection: Connection, id: str) -> None:
    """Remove what is stored of a change of a target."""
    connection.execute("DELETE FROM proposed_changes WHERE target_id = ?", (id,))


def _row(connection: Connection, change: ProposedChange) -> Sequence[Any]:
    given: dict[str, object] = {}
    if change.draft is not None:
        given["draft"] = change.draft
    if change.reason:
        given["reason"] = change.reason
    content = orjson.dumps(given)
    return (
        change.target_id,
        change.kind.value,
        change.state.value,
        change.base,
        change.revision,
        *change.proposer,
        change.proposed_at.isoformat(),
        change.decided_by,
        change.decided_at.isoformat() if change.decided_at else None,
        connection.texts.stored_part(connection, PROPOSED_CHANGE, change.target_id, content) if given else "",
    )


def _change_of(connection: Connection, row: Sequence[Any]) -> ProposedChange:
    id, kind, state, base, revision, actor, identity, proposed_at, decided_by, decided_at, content = row
    try:
        given: dict[str, Any] = {}
        if content:
            given = orjson.loads(connection.texts.open_part(connection, PROPOSED_CHANGE, id, content))
        return ProposedChange(
            target_id=id,
            kind=ChangeKind(kind),
            state=ChangeState(state),
            base=base,
            revision=revision,
            proposer=Person(actor, identity),
            proposed_at=datetime.fromisoformat(proposed_at),
            decided_by=decided_by,
            decided_at=datetime.fromisoformat(decided_at) if decided_at else None,
            draft=draft_of(given["draft"]) if "draft" in given else None,
            reason=given.get("reason", ""),
        )
    except (ValueError, TypeError, KeyError):
        raise StoreUnavailable(f"the registry's proposed change of {id} cannot be read") from None
