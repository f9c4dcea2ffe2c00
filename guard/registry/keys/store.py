"""The keys in the registry's database: rows, the digests of their secrets, and their audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from ulid import ULID

from guard.errors import LetheError, StoreUnavailable
from guard.registry.database import Connection, Database, Statements
from guard.registry.keys.key import (
    MAX_NAME_CHARS,
    Audience,
    Key,
    KeyDraft,
    KeyState,
    NewKey,
    Role,
    hashed,
    new_secret,
)
from guard.registry.keys.key_log import GENESIS, KeyAction, KeyEvent, chained, first_broken
from guard.targets.audit_log import acting

MAX_KEYS = 10_000
"""Keys that are not revoked: every server holds all of them in memory."""
_COLUMNS = "id, audience, role, name, options, created_at, expires_at, revoked_at, last_used_at"
_EVENT_COLUMNS = "seq, at, action, key_id, actor, digest"


class UnknownKey(LetheError):
    """No key has this id, or it is no longer accepted."""

    code = "unknown_key"
    status = 404


class InvalidKey(LetheError):
    """A key that cannot be created as given; `field` names the invalid member."""

    code = "invalid_key"
    status = 422


class DuplicateKey(LetheError):
    """Another key that is not revoked has this name."""

    code = "duplicate_key"
    status = 409


@dataclass(frozen=True, slots=True)
class Secret:
    """The key that a digest stands for, and until when, in seconds since 1970; None until the key itself ends."""

    key_id: str
    until: float | None


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """All keys as of `version`, the number of events of their trail: the keys by id, the secrets by digest."""

    version: int = 0
    keys: Mapping[str, Key] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class KeyEvents:
    """A page of the audit trail of keys; `first_broken` is where it was altered, None if it is intact."""

    events: list[KeyEvent]
    next: int | None
    first_broken: int | None


class KeyStore:
    """The keys of a registry. Secrets are returned once and stored as hashes. Raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, draft: KeyDraft) -> NewKey:
        """Store a new key. Raises InvalidKey or DuplicateKey."""
        now = datetime.now(UTC)
        _validate(draft, now)
        prefix = "ak" if draft.audience is Audience.ADMIN else "ck"
        key = Key(id=f"{prefix}_{ULID()}", draft=draft, created_at=now)
        with self._database.writing() as connection:
            names = connection.execute("SELECT name FROM keys WHERE revoked_at IS NULL").fetchall()
            if (draft.name,) in [tuple(row) for row in names]:
                raise DuplicateKey("another key has this name", field="name")
            if len(names) >= MAX_KEYS:
                raise InvalidKey(f"there are {MAX_KEYS} keys already: revoke what nobody uses")
            connection.execute(
                f"INSERT INTO keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key.id,
                    draft.audience,
                    draft.role or "",
                    draft.name,
                    _options(draft),
                    now.isoformat(),
                    draft.expires_at.timestamp() if draft.expires_at else None,
                    None,
                    None,
                ),
            )
            return _with_secret(connection, key, KeyAction.CREATED, now)

    def rotate(self, id: str, overlap_s: float) -> NewKey:
        """Give a key another secret; those before are accepted for `overlap_s` seconds more. Raises UnknownKey."""
        now = datetime.now(UTC)
        with self._database.writing() as connection:
            key = _found_active(connection, id, now)
            until = now.timestamp() + overlap_s
            connection.execute(
                "UPDATE key_secrets SET until = ? WHERE key_id = ? AND (until IS NULL OR until > ?)",
                (until, id, until),
            )
            connection.execute("DELETE FROM key_secrets WHERE until <= ?", (now.timestamp(),))
            return _with_secret(connection, key, KeyAction.ROTATED, now)

    def revoke(self, id: str) -> Key:
        """End a key and delete its secrets; the record remains. Raises UnknownKey."""
        now = datetime.now(UTC)
        with self._database.writing() as connection:
            key = _found(connection, id)
            if key.revoked_at is not None:
                raise UnknownKey("this key is revoked already")
            connection.execute("UPDATE keys SET revoked_at = ? WHERE id = ?", (now.timestamp(), id))
            connection.execute("DELETE FROM key_secrets WHERE key_id = ?", (id,))
            write_event(connection, KeyAction.REVOKED, now, id)
            return _found(connection, id)

    def list(self) -> list[Key]:
        """Return all keys, also those that have ended, in the order they were created."""
        with self._database.reading() as connection:
            return list(_keys(connection).values())

    def version(self) -> int:
        """Return the number of events so far: it grows with each change of a key, and of the rule of approval."""
        with self._database.reading() as connection:
            return _version(connection)

    def snapshot(self) -> StoredKeys:
        """Return all keys and the digests of their secrets, read together."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT digest, key_id, until FROM key_secrets")
            secrets = {digest: Secret(key_id, until) for digest, key_id, until in rows}
            return StoredKeys(_version(connection), _keys(connection), secrets)

    def note_used(self, used: Mapping[str, datetime]) -> None:
        """Store when keys were last used, unless another server stored a later time."""
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE keys SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)",
                [(at.timestamp(), id, at.timestamp()) for id, at in used.items()],
            )

    def events(self, after: int = 0, limit: int = 100) -> KeyEvents:
        """Return up to `limit` events with a `seq` above `after`, oldest first, and whether they are unaltered."""
        with self._database.reading() as connection:
            found = read_events(connection, after, limit + 1)
            before = connection.execute("SELECT digest FROM key_events WHERE seq = ?", (after,)).fetchone()
        events = found[:limit]
        if after and before is None and events:
            return KeyEvents(events, None, after)
        broken = first_broken(events, after, before[0] if before else GENESIS)
        return KeyEvents(events, events[-1].seq if len(found) > limit else None, broken)


def read_events(connection: Statements, after: int, limit: int) -> list[KeyEvent]:
    """Return up to `limit` events with a `seq` above `after`, oldest first."""
    rows = connection.execute(
        f"SELECT {_EVENT_COLUMNS} FROM key_events WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    )
    try:
        return [
            KeyEvent(
                seq=seq,
                at=datetime.fromisoformat(at),
                action=KeyAction(action),
                key_id=key_id or "",
                actor=actor,
                digest=digest,
            )
            for seq, at, action, key_id, actor, digest in rows
        ]
    except ValueError:
        raise StoreUnavailable("the registry's audit trail of keys cannot be read") from None


def _validate(draft: KeyDraft, now: datetime) -> None:
    if not draft.name.strip() or len(draft.name) > MAX_NAME_CHARS or not draft.name.isprintable():
        raise InvalidKey(f"needs 1 to {MAX_NAME_CHARS} characters that can be printed", field="name")
    if (draft.audience is Audience.ADMIN) != (draft.role is not None):
        raise InvalidKey("is what an admin key has, and no other", field="role")
    of_clients = draft.tags or draft.models or draft.requests_per_minute is not None
    if draft.audience is Audience.ADMIN and of_clients:
        raise InvalidKey("tags, models and limits are what client keys have", field="tags")
    if draft.requests_per_minute is not None and draft.requests_per_minute < 1:
        raise InvalidKey("must be 1 at least", field="requests_per_minute")
    if draft.expires_at is not None and draft.expires_at <= now:
        raise InvalidKey("lies in the past", field="expires_at")


def _with_secret(connection: Connection, key: Key, action: KeyAction, now: datetime) -> NewKey:
    secret = new_secret(key.draft.audience)
    connection.execute(
        "INSERT INTO key_secrets (digest, key_id, until) VALUES (?, ?, NULL)", (hashed(secret), key.id)
    )
    write_event(connection, action, now, key.id)
    return NewKey(key, secret)


def write_event(connection: Connection, action: KeyAction, now: datetime, key_id: str = "") -> None:
    """Write an event by who acts in this context, of a key or of the rule of approval."""
    last = connection.execute("SELECT seq, digest FROM key_events ORDER BY seq DESC LIMIT 1").fetchone()
    seq, digest = last or (0, GENESIS)
    event = chained(digest, KeyEvent(seq=seq + 1, at=now, action=action, key_id=key_id, actor=acting()))
    connection.execute(
        f"INSERT INTO key_events ({_EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        (event.seq, event.at.isoformat(), event.action, event.key_id or None, event.actor, event.digest),
    )


def _version(connection: Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM key_events").fetchone()[0])


def _found_active(connection: Connection, id: str, now: datetime) -> Key:
    key = _found(connection, id)
    state = key.state(now)
    if state is not KeyState.ACTIVE:
        raise UnknownKey(f"this key is {state}")
    return key


def _found(connection: Connection, id: str) -> Key:
    row = connection.execute(f"SELECT {_COLUMNS} FROM keys WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise UnknownKey("no key has this id")
    return _key(row)


def _keys(connection: Connection) -> dict[str, Key]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM keys ORDER BY id")
    return {key.id: key for key in sorted(map(_key, rows), key=lambda key: key.created_at)}


def _options(draft: KeyDraft) -> str:
    return orjson.dumps(
        {"tags": draft.tags, "models": draft.models, "requests_per_minute": draft.requests_per_minute}
    ).decode()


def _key(row: Sequence[Any]) -> Key:
    id, audience, role, name, options, created_at, expires_at, revoked_at, last_used_at = row
    try:
        read = orjson.loads(options)
        draft = KeyDraft(
            name=name,
            audience=Audience(audience),
            role=Role(role) if role else None,
            tags=tuple(read["tags"]),
            models=tuple(read["models"]),
            requests_per_minute=read["requests_per_minute"],
            expires_at=_moment(expires_at),
        )
        return Key(
            id=id,
            draft=draft,
            created_at=datetime.fromisoformat(created_at),
            revoked_at=_moment(revoked_at),
            last_used_at=_moment(last_used_at),
        )
    except (ValueError, TypeError, KeyError):
        raise StoreUnavailable(f"the registry's record of {id} cannot be read") from None


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
