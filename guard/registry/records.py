"""Rows of targets and audit events, and the statements of the registry's transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from guard.errors import DuplicateTarget, StaleRevision, StoreUnavailable, UnknownTarget
from guard.registry.database import Connection, StoredTexts
from guard.registry.rows.canaries import keep_canary_key, refuse_many_canaries
from guard.registry.rows.draft import draft_of
from guard.registry.rows.names import folded_name
from guard.registry.rows.revisions import keep_revision
from guard.targets.audit_log import GENESIS, Action, Event, acting, chained
from guard.targets.rules import rules_version
from guard.targets.target import ForgetTarget, State

TARGET_COLUMNS = "id, state, revision, created_at, updated_at, " + ", ".join(StoredTexts._fields)
EVENT_COLUMNS = "seq, at, action, target_id, revision, policy_version, actor, digest, proposer"


def target_of(connection: Connection, row: Sequence[Any]) -> ForgetTarget:
    """Return the target of a row of `TARGET_COLUMNS`. Raises `StoreUnavailable` if it is malformed."""
    id, state, revision, created_at, updated_at, *stored = row
    try:
        texts = connection.texts.opened(connection, id, state, revision, StoredTexts(*stored))
        return ForgetTarget(
            id=id,
            draft=draft_of(texts.draft),
            state=State(state),
            revision=revision,
            forbidden=tuple(texts.forbidden),
            variants=tuple(texts.variants),
            created_at=datetime.fromisoformat(created_at),
            updated_at=datetime.fromisoformat(updated_at),
        )
    except (ValueError, TypeError, KeyError):
        raise StoreUnavailable(f"the registry's record of {id} cannot be read") from None


def event_of(row: Sequence[Any]) -> Event:
    """Return the event of a row of `EVENT_COLUMNS`. Raises `StoreUnavailable` if it is malformed."""
    seq, at, action, target_id, revision, policy_version, actor, digest, *proposer = row
    try:
        return Event(
            seq=seq,
            at=datetime.fromisoformat(at),
            action=Action(action),
            target_id=target_id,
            revision=revision,
            policy_version=policy_version,
            actor=actor,
            digest=digest,
            # Files that an earlier version wrote have none.
            proposer=proposer[0] if proposer else "",
        )
    except ValueError:
        raise StoreUnavailable(f"the registry's audit event {seq} cannot be read") from None


def erased(target: ForgetTarget, state: State, at: datetime) -> ForgetTarget:
    """Return what remains of a target that ended: its options and labels, and none of its texts."""
    draft = replace(
        target.draft,
        name="",
        aliases=(),
        facts=(),
        passages=(),
        phrases=(),
        patterns=(),
        exceptions=(),
        distinguish=(),
    )
    return replace(
        target, draft=draft, state=state, revision=target.revision + 1, forbidden=(), variants=(), updated_at=at
    )


def found(connection: Connection, id: str) -> ForgetTarget:
    """Return the stored target. Raises `UnknownTarget`."""
    row = connection.execute(f"SELECT {TARGET_COLUMNS} FROM targets WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise UnknownTarget("no forget target has this id")
    return target_of(connection, row)


def found_active(connection: Connection, id: str, revision: int | None) -> ForgetTarget:
    """Return the stored target if it is active and, where one is named, at `revision`."""
    target = found(connection, id)
    if target.state is not State.ACTIVE:
        raise UnknownTarget("no active forget target has this id")
    if revision is not None and revision != target.revision:
        raise StaleRevision(f"the target stands at revision {target.revision}")
    return target


def position(connection: Connection, id: str) -> int:
    """Return the position of the target in the order of adding. Raises `UnknownTarget`."""
    row = connection.execute("SELECT seq FROM targets WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise UnknownTarget("no forget target has the id that this page should start after")
    return int(row[0])


def duplicate_of(connection: Connection, target: ForgetTarget) -> str | None:
    """Return the id of another active target of the same kind and folded name, or None."""
    same = connection.texts.named(connection, target.draft.kind, folded_name(target.draft.name))
    return next((id for id in same if id != target.id), None)


def refuse_duplicate(connection: Connection, target: ForgetTarget) -> None:
    """Raise `DuplicateTarget` if another active target is of the same kind and folded name."""
    existing = duplicate_of(connection, target)
    if existing is not None:
        raise DuplicateTarget(
            f"{existing} is an active target of this kind and name: add to it what is known (PATCH), or, for "
            "another of that name, say what tells the two apart in the name and the name itself in the aliases",
            field="name",
        )


def policy_version(connection: Connection) -> int:
    """Return the number of mutations so far."""
    return int(connection.execute("SELECT version FROM policy").fetchone()[0])


def write_all(
    connection: Connection, targets: Sequence[ForgetTarget], action: Action, actor: str, proposer: str = ""
) -> None:
    """Write every target and its audit event, under the next policy version."""
    write_groups(connection, {action: targets}, actor, proposer)


def write_groups(
    connection: Connection,
    groups: Mapping[Action, Sequence[ForgetTarget]],
    actor: str,
    proposer: str = "",
) -> None:
    """Write targets and audit events of several actions, all under the next policy version."""
    connection.execute("UPDATE policy SET version = version + 1")
    for action, targets in groups.items():
        # One that was proposed before has a row already.
        write_targets(connection, targets, new=action is Action.ADDED and not proposer)
        write_events(connection, targets, action, actor, proposer)


def write_revealed(connection: Connection, targets: Sequence[ForgetTarget], at: datetime) -> None:
    """Write the audit events of a look at the texts of these targets. The policy stays as it is."""
    write_events(connection, [replace(target, updated_at=at) for target in targets], Action.REVEALED, acting())


def write_events(
    connection: Connection, targets: Sequence[ForgetTarget], action: Action, actor: str, proposer: str = ""
) -> None:
    """Write an audit event for each target, under the policy version of now."""
    version = policy_version(connection)
    last = connection.execute("SELECT seq, digest FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    seq, digest = last or (0, GENESIS)
    events = []
    for number, target in enumerate(targets, start=seq + 1):
        event = chained(
            digest,
            Event(
                seq=number,
                at=target.updated_at,
                action=action,
                target_id=target.id,
                revision=target.revision,
                policy_version=version,
                actor=actor,
                proposer=proposer,
            ),
        )
        digest = event.digest
        events.append(event)
    connection.executemany(
        f"INSERT INTO events ({EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_event_row, events)
    )


def write_targets(connection: Connection, targets: Sequence[ForgetTarget], new: bool) -> None:
    """Write the rows of targets; `new`: there are none yet. What belonged to a target that ended is removed."""
    if not new:
        _keep_revisions(connection, targets)
    columns = f"{TARGET_COLUMNS}, kind, expires_at, rules, canary".split(", ")
    changing = [name for name in columns if name not in ("id", "created_at")]
    stored = connection.texts.stored(connection, targets, new)
    connection.executemany(
        f"""INSERT INTO targets (seq, {", ".join(columns)})
            VALUES ((SELECT coalesce(max(seq), 0) + 1 FROM targets), {", ".join("?" * len(columns))})
            ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in changing)}""",
        map(_target_row, targets, stored),
    )
    if any(target.draft.canary is not None for target in targets):
        refuse_many_canaries(connection)
        keep_canary_key(connection)
    # A vector reveals much of its text, and one of an older revision is useless.
    connection.executemany("DELETE FROM vectors WHERE target_id = ?", [(target.id,) for target in targets])
    ended = [(target.id,) for target in targets if target.state is not State.ACTIVE]
    for table in ("elicitations", "open_elicitations", "proposed_changes", "revisions"):
        connection.executemany(f"DELETE FROM {table} WHERE target_id = ?", ended)


def _keep_revisions(connection: Connection, targets: Sequence[ForgetTarget]) -> None:
    """Store what active targets are before they are changed."""
    for target in targets:
        if target.state is State.ACTIVE and (before := found(connection, target.id)).state is State.ACTIVE:
            keep_revision(connection, before)


def _target_row(target: ForgetTarget, stored: StoredTexts) -> Sequence[Any]:
    expires_at = target.draft.expires_at
    return (
        target.id,
        target.state,
        target.revision,
        target.created_at.isoformat(),
        target.updated_at.isoformat(),
        *stored,
        target.draft.kind,
        None if expires_at is None else expires_at.timestamp(),
        rules_version(),
        target.draft.canary,
    )


def _event_row(event: Event) -> Sequence[Any]:
    return (
        event.seq,
        event.at.isoformat(),
        event.action,
        event.target_id,
        event.revision,
        event.policy_version,
        event.actor,
        event.digest,
        event.proposer,
    )
