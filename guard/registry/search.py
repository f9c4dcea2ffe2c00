"""Search: pages of forget targets and of audit events that have given properties."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from guard.registry.approval.proposed import ChangeState
from guard.registry.database import Connection
from guard.registry.records import EVENT_COLUMNS, TARGET_COLUMNS, event_of, policy_version, position, target_of
from guard.registry.rows.names import folded_name
from guard.targets.audit_log import GENESIS, Action, Event, first_broken
from guard.targets.target import ForgetTarget, Kind, Mode, State

_ESCAPES = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})

MAX_EVENTS = 2**62
"""More than there can be: the `LIMIT` of a statement that has none."""
MAX_POSITIONS = 1000
"""Positions of targets in one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSearch:
    """Which targets are meant: of a state, kind and mode, and with `name` in their names; None or "" for all.

    Of the state `proposed` are also active targets of which a change waits for approval.
    """

    state: State | None = None
    kind: Kind | None = None
    mode: Mode | None = None
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSearch:
    """Which audit events are meant: of one action, one target, and between versions; None or "" for all.

    after_version, upto_version  of policy versions, the first not included
    """

    action: Action | None = None
    target_id: str = ""
    after_version: int | None = None
    upto_version: int | None = None


class Page(NamedTuple):
    """A page of targets in the order they were added; `next` is the cursor of the next page, or None."""

    items: list[ForgetTarget]
    next: str | None


class Snapshot(NamedTuple):
    """Targets as of policy `version`."""

    version: int
    targets: list[ForgetTarget]


def snapshot(connection: Connection) -> Snapshot:
    """Return the active targets and the policy version that they belong to."""
    rows = connection.execute(f"SELECT {TARGET_COLUMNS} FROM targets WHERE state = 'active' ORDER BY seq")
    return Snapshot(policy_version(connection), [target_of(connection, row) for row in rows])


def changes(connection: Connection, since: int) -> Snapshot:
    """Return every target that changed after policy version `since`, whatever its state, and the version."""
    rows = connection.execute(
        f"""SELECT {TARGET_COLUMNS} FROM targets WHERE id IN
              (SELECT target_id FROM events WHERE policy_version > ?) ORDER BY seq""",
        (since,),
    )
    return Snapshot(policy_version(connection), [target_of(connection, row) for row in rows])


def find_targets(connection: Connection, search: TargetSearch, after: str | None, limit: int) -> Page:
    """Return up to `limit` targets in the order they were added, after the one named by `after`.

    Raises `UnknownTarget` if there is no such one.
    """
    conditions: list[tuple[str, object]] = [("seq > ?", 0 if after is None else position(connection, after))]
    if search.state is State.PROPOSED:
        # Those in force too of which a change waits for approval.
        waiting = "SELECT target_id FROM proposed_changes WHERE state = ?"
        conditions.append((f"(state = 'proposed' OR id IN ({waiting}))", ChangeState.OPEN.value))
    elif search.state:
        conditions.append(("state = ?", str(search.state)))
    if search.kind:
        conditions.append(("kind = ?", str(search.kind)))
    if search.mode:
        # No text of a target looks like this: a quotation mark in one is escaped.
        conditions.append(("draft LIKE ?", f'%"mode":"{search.mode}"%'))
    part = folded_name(search.name)
    if part:
        positions = connection.texts.positions(connection, part)
        if positions is not None:
            return _page(_at(connection, conditions, positions, limit + 1), limit)
        conditions.append(("folded_name LIKE ? ESCAPE '\\'", f"%{part.translate(_ESCAPES)}%"))
    return _page(_selected(connection, conditions, limit + 1), limit)


def _page(items: list[ForgetTarget], limit: int) -> Page:
    return Page(items[:limit], items[limit - 1].id if len(items) > limit else None)


def _at(
    connection: Connection, conditions: list[tuple[str, object]], positions: list[int], limit: int
) -> list[ForgetTarget]:
    """Return the first `limit` targets of these conditions that are at one of these positions."""
    # The first condition is where to begin.
    rest = positions[bisect_right(positions, int(str(conditions[0][1]))) :]
    items: list[ForgetTarget] = []
    for start in range(0, len(rest), MAX_POSITIONS):
        some = rest[start : start + MAX_POSITIONS]
        among = (f"seq >= ? AND seq IN ({', '.join(map(str, some))})", some[0])
        items += _selected(connection, [*conditions, among], limit - len(items))
        if len(items) == limit:
            break
    return items


def _selected(connection: Connection, conditions: list[tuple[str, object]], limit: int) -> list[ForgetTarget]:
    rows = connection.execute(
        f"SELECT {TARGET_COLUMNS} FROM targets WHERE {_all(conditions)} ORDER BY seq LIMIT ?",
        (*_values(conditions), limit),
    )
    return [target_of(connection, row) for row in rows]


def latest_events(connection: Connection, search: EventSearch, before: int | None, limit: int) -> list[Event]:
    """Return up to `limit` audit events, the newest first, with a `seq` below `before`."""
    conditions: list[tuple[str, object]] = [] if before is None else [("seq < ?", before)]
    if search.action:
        conditions.append(("action = ?", str(search.action)))
    if search.target_id:
        conditions.append(("target_id = ?", search.target_id))
    if search.after_version is not None:
        conditions.append(("policy_version > ?", search.after_version))
    if search.upto_version is not None:
        conditions.append(("policy_version <= ?", search.upto_version))
    where = f"WHERE {_all(conditions)}" if conditions else ""
    rows = connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM events {where} ORDER BY seq DESC LIMIT ?", (*_values(conditions), limit)
    )
    return [event_of(row) for row in rows]


def first_broken_event(connection: Connection, after: int, limit: int | None) -> int | None:
    """Return the first `seq` at which one of up to `limit` events after the event `after` was altered, or None."""
    rows = connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, MAX_EVENTS if limit is None else limit),
    ).fetchall()
    found = connection.execute("SELECT digest FROM events WHERE seq = ?", (after,)).fetchone()
    if not rows:
        return None
    if after and found is None:
        return after
    return first_broken(map(event_of, rows), after, found[0] if after else GENESIS)


def _all(conditions: list[tuple[str, object]]) -> str:
    return " AND ".join(condition for condition, _ in conditions)


def _values(conditions: list[tuple[str, object]]) -> list[object]:
    return [value for _, value in conditions]
