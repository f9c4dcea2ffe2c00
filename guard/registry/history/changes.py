"""Which targets have changed from one policy version to another, read from the audit trail page by page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from guard.errors import UnknownTarget
from guard.registry.database import Connection
from guard.registry.history.schema import CHANGING
from guard.registry.records import EVENT_COLUMNS, event_of
from guard.targets.policy_changes import TargetChange, net_changes

BATCH_IDS = 500
"""Ids in one statement, and events that are read at once."""


class _Place(NamedTuple):
    """Where an event stands in the trail, which is in the order of both."""

    policy_version: int
    seq: int


def changed_targets(connection: Connection, older: int, newer: int, after: str | None, most: int) -> list[str]:
    """Return up to `most` targets that have changed between two versions, the latest change first.

    They come after the target `after`, None for the first. What is read grows with what is returned, not with what
    has happened between the versions. Raises UnknownTarget where `after` has not changed between them.
    """
    before = _Place(newer + 1, 0) if after is None else _last_change(connection, older, newer, after)
    found: list[str] = []
    while len(found) < most:
        rows = connection.execute(
            f"""SELECT policy_version, seq, target_id FROM events
                WHERE policy_version > ? AND (policy_version, seq) < (?, ?) AND {CHANGING}
                ORDER BY policy_version DESC, seq DESC LIMIT ?""",
            (older, *before, BATCH_IDS),
        ).fetchall()
        if not rows:
            break
        last = _last_changes(connection, older, newer, [id for *_, id in rows])
        # An earlier change of a target stands before the later one that it is listed by.
        found.extend(id for _, seq, id in rows if last[id] == seq)
        before = _Place(*rows[-1][:2])
    return found[:most]


def changes_of(connection: Connection, older: int, newer: int, ids: Sequence[str]) -> list[TargetChange]:
    """Return what became of these targets, which have changed between two versions, in this order."""
    changes: dict[str, TargetChange] = {}
    for some in batches(ids):
        rows = connection.execute(
            f"""SELECT {EVENT_COLUMNS} FROM events WHERE target_id IN ({places(some)})
                  AND policy_version > ? AND policy_version <= ? AND {CHANGING} ORDER BY seq""",
            (*some, older, newer),
        )
        changes |= {one.target_id: one for one in net_changes(map(event_of, rows))}
    return [changes[id] for id in ids]


def batches(ids: Sequence[str]) -> Iterable[list[str]]:
    """Yield the ids in lists that one statement takes."""
    for start in range(0, len(ids), BATCH_IDS):
        yield list(ids[start : start + BATCH_IDS])


def places(ids: Sequence[str]) -> str:
    """Return the places of ids in a statement."""
    return ", ".join("?" * len(ids))


def _last_change(connection: Connection, older: int, newer: int, id: str) -> _Place:
    last = _last_changes(connection, older, newer, [id])
    if not last:
        raise UnknownTarget("the target that the cursor names has not changed between these versions")
    row = connection.execute("SELECT policy_version, seq FROM events WHERE seq = ?", (last[id],)).fetchone()
    return _Place(*row)


def _last_changes(connection: Connection, older: int, newer: int, ids: Sequence[str]) -> dict[str, int]:
    """Return the `seq` of the last change of each of these targets between two versions."""
    asked = list(dict.fromkeys(ids))
    rows = connection.execute(
        f"""SELECT target_id, max(seq) FROM events WHERE target_id IN ({places(asked)})
              AND policy_version > ? AND policy_version <= ? AND {CHANGING} GROUP BY target_id""",
        (*asked, older, newer),
    )
    return dict(rows.fetchall())
