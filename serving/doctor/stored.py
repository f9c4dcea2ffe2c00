"""Checks of the registry where no server answers for it: its file is read, and nothing is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from guard.errors import LetheError
from guard.policy.folder.enforced_version import refuse_rolled_back
from guard.registry.database import PostgresUrl
from guard.registry.keys import key_log
from guard.registry.keys.store import read_events
from guard.registry.records import EVENT_COLUMNS, event_of
from guard.targets.audit_log import GENESIS, first_broken
from serving.doctor.finding import Finding, Level, ok
from serving.settings import Settings

BATCH_EVENTS = 1_000
BUSY_S = 5.0
OF_TARGETS, OF_KEYS = "audit trail", "audit trail of keys"


def registry(settings: Settings) -> Iterator[Finding]:
    """Check that the registry can be read, is no older than what was enforced, and that its trail is whole."""
    location = settings.registry
    if isinstance(location, PostgresUrl):
        yield from _reachable(location)
        return
    if not location.is_file():
        advice = "nothing is wrong if no server has run with these settings"
        yield Finding("registry", Level.SKIP, f"there is no {location}", advice, "registry.md")
        return
    try:
        uri = f"{location.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as connection:
            yield from _read(settings, connection)
    except sqlite3.Error as error:
        advice = "`lethe restore` brings back a backup"
        said = f"{location} cannot be read ({type(error).__name__})"
        yield Finding("registry", Level.FAIL, said, advice, "cli.md#backups")


def _read(settings: Settings, connection: sqlite3.Connection) -> Iterator[Finding]:
    (whole,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if whole != "ok":
        yield Finding("registry", Level.FAIL, "its file is damaged", "`lethe restore` a backup", "cli.md#backups")
        return
    (version,) = connection.execute("SELECT version FROM policy").fetchone()
    (active,) = connection.execute("SELECT count(*) FROM targets WHERE state = 'active'").fetchone()
    try:
        refuse_rolled_back(settings.policy_dir, version)
    except LetheError as error:
        yield Finding("registry", Level.FAIL, error.message, "see what a backup holds", "cli.md#backups")
    else:
        yield ok("registry", f"policy version {version}, {active} active targets")
    yield _trail(connection)
    yield _trail_of_keys(connection)


def _trail(connection: sqlite3.Connection) -> Finding:
    after, previous = 0, GENESIS
    known = {row[1] for row in connection.execute("PRAGMA table_info(events)")}
    # A file that an earlier version wrote lacks what later ones add.
    columns = ", ".join(name for name in EVENT_COLUMNS.split(", ") if name in known)
    statement = f"SELECT {columns} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
    while batch := connection.execute(statement, (after, BATCH_EVENTS)).fetchall():
        try:
            events = [event_of(row) for row in batch]
            broken = first_broken(events, after, previous)
        except LetheError:
            broken = after + 1
        if broken is not None:
            return broken_trail(broken)
        after, previous = events[-1].seq, events[-1].digest
    return ok(OF_TARGETS, f"whole: {after} events")


def _trail_of_keys(connection: sqlite3.Connection) -> Finding:
    after, previous = 0, key_log.GENESIS
    # A registry that an earlier version wrote last has none.
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'key_events'").fetchone():
        return Finding(
            OF_KEYS, Level.SKIP, "there is none", "a server of this version begins one", "how-to/upgrade.md"
        )
    while events := read_events(connection, after, BATCH_EVENTS):
        broken = key_log.first_broken(events, after, previous)
        if broken is not None:
            return broken_trail(broken, OF_KEYS)
        after, previous = events[-1].seq, events[-1].digest
    return ok(OF_KEYS, f"whole: {after} events")


def broken_trail(seq: int, name: str = OF_TARGETS) -> Finding:
    """Return the finding of an audit trail that does not hold from `seq` on."""
    advice = "somebody changed the database itself: compare with a backup, and keep both"
    return Finding(name, Level.FAIL, f"broken at event {seq}", advice, "admin-plane.md#audit-trail")


def _reachable(location: PostgresUrl) -> Iterator[Finding]:
    import psycopg

    try:
        with psycopg.connect(location.value, connect_timeout=int(BUSY_S)) as connection:
            found = connection.execute("SELECT version FROM policy").fetchone()
    except psycopg.Error as error:
        # Its message may name the password.
        said = f"the database cannot be used ({type(error).__name__})"
        advice = "answers go on for `max_staleness` seconds without it, and then end"
        yield Finding("registry", Level.FAIL, said, advice, "registry.md#when-the-database-is-away")
        return
    yield ok("registry", f"in PostgreSQL, policy version {found[0] if found else 0}")
