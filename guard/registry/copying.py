"""Copies a registry into another database, SQLite or PostgreSQL, with its audit trails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from guard.errors import LetheError
from guard.registry.approval.proposed import CHANGE_COLUMNS
from guard.registry.approval.rule import Approval, found_rule
from guard.registry.database import Connection, Location
from guard.registry.keys import key_log
from guard.registry.keys.store import read_events
from guard.registry.opening import open_database
from guard.registry.records import EVENT_COLUMNS, TARGET_COLUMNS, event_of, policy_version
from guard.targets.audit_log import GENESIS, first_broken

BATCH_ROWS = 1000


class CopyRefused(LetheError):
    """A registry cannot be copied from there, or to there."""

    code = "copy_refused"


class Copied(NamedTuple):
    """What was copied; `digest` is the sha256, in hex, of all rows, and equal for equal registries."""

    version: int
    targets: int
    events: int
    digest: str


class _Table(NamedTuple):
    name: str
    columns: str
    key: str


# Events follow the targets that they name.
_TABLES = (
    _Table("targets", f"seq, kind, expires_at, rules, canary, {TARGET_COLUMNS}", "seq"),
    _Table("events", EVENT_COLUMNS, "seq"),
    _Table("vectors", "embedder, target_id, revision, vector", "embedder, target_id, revision"),
    _Table("elicitations", "target_id, model, at, answers, proposals", "target_id"),
    _Table("open_elicitations", "target_id", "target_id"),
    _Table("proposed_changes", CHANGE_COLUMNS, "target_id"),
    _Table("revisions", "target_id, revision, content", "target_id, revision"),
    _Table("webhooks", "id, seq, enforced, attempts, retry_at, owner, held_until", "id"),
    _Table("cases", "target_id, received_at, due_at, requester, closed_at", "target_id"),
    _Table("dead_letters", "webhook, seq, at, attempts, reason", "webhook, seq"),
    _Table("canary_key", "only_row, key", "only_row"),
    # What is encrypted stays so, and is opened by the same key.
    _Table("data_keys", "id, purpose, wrapped_by, wrapped, created_at", "id, wrapped_by"),
    _Table("keys", "id, audience, role, name, options, created_at, expires_at, revoked_at, last_used_at", "id"),
    _Table("key_secrets", "digest, key_id, until", "digest"),
    _Table("key_events", "seq, at, action, key_id, actor, digest", "seq"),
)


def copy(source: Location, target: Location) -> Copied:
    """Copy the registry at `source`, in one state, into the empty database `target`: all of it or nothing.

    The copy is read again and compared before it is committed. What a server changes meanwhile may be missed.
    Raises StoreUnavailable, and CopyRefused if there is no registry at `source`, an audit trail of it is broken
    (that of targets or that of keys), or `target` is not empty.
    """
    if isinstance(source, Path) and not source.is_file():
        raise CopyRefused("there is no registry to copy from")
    with (
        closing(open_database(source)) as original,
        closing(open_database(target)) as copied,
        original.reading() as rows,
        copied.writing() as connection,
    ):
        return _copy(rows, connection)


def _copy(source: Connection, target: Connection) -> Copied:
    is_used = policy_version(target) or found_rule(target) is not Approval.NONE
    if is_used or any(_count(target, table) for table in _TABLES):
        raise CopyRefused("the database to copy to has a registry already")
    for table in _TABLES:
        for batch in _batches(source, table):
            _insert(target, table, batch)
    policy = policy_version(source), found_rule(source).value
    target.execute("UPDATE policy SET version = ?, approval = ?", policy)
    digest = _digest(source)
    if _digest(target) != digest:
        raise CopyRefused("the copy is not equal to what was copied")
    _refuse_broken(target)
    _refuse_broken_keys(target)
    targets, events, *_ = (_count(target, table) for table in _TABLES)
    return Copied(policy_version(target), targets, events, digest)


def _batches(connection: Connection, table: _Table) -> Iterator[list[Sequence[Any]]]:
    """Yield all rows in the order of their key, BATCH_ROWS at a time."""
    names = table.key.split(", ")
    places = [table.columns.split(", ").index(name) for name in names]
    after = f"WHERE ({table.key}) > ({', '.join('?' * len(names))})"
    last: tuple[Any, ...] = ()
    while True:
        batch = connection.execute(
            f"SELECT {table.columns} FROM {table.name} {after if last else ''} ORDER BY {table.key} LIMIT ?",
            (*last, BATCH_ROWS),
        ).fetchall()
        if not batch:
            return
        yield batch
        last = tuple(batch[-1][place] for place in places)


def _insert(connection: Connection, table: _Table, batch: Sequence[Sequence[Any]]) -> None:
    values = ", ".join("?" * len(batch[0]))
    connection.executemany(f"INSERT INTO {table.name} ({table.columns}) VALUES ({values})", batch)


def _count(connection: Connection, table: _Table) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0])


def _digest(connection: Connection) -> str:
    digest = hashlib.sha256(f"{policy_version(connection)} {found_rule(connection)}".encode())
    for table in _TABLES:
        for batch in _batches(connection, table):
            digest.update("".join(f"\n{table.name} {tuple(row)!r}" for row in batch).encode())
    return digest.hexdigest()


def _refuse_broken(connection: Connection) -> None:
    after, previous = 0, GENESIS
    for batch in _batches(connection, _TABLES[1]):
        events = [event_of(row) for row in batch]
        broken = first_broken(events, after, previous)
        if broken is not None:
            raise CopyRefused(f"the audit trail is broken at event {broken}")
        after, previous = events[-1].seq, events[-1].digest


def _refuse_broken_keys(connection: Connection) -> None:
    after, previous = 0, key_log.GENESIS
    while events := read_events(connection, after, BATCH_ROWS):
        broken = key_log.first_broken(events, after, previous)
        if broken is not None:
            raise CopyRefused(f"the audit trail of keys is broken at event {broken}")
        after, previous = events[-1].seq, events[-1].digest
