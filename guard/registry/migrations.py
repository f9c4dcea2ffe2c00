"""The registry's schema in SQLite, as the list of migrations that create it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from guard.errors import StoreUnavailable
from guard.registry.approval import schema as approval
from guard.registry.database import APPLICATION_ID
from guard.registry.history import schema as history
from guard.registry.keys import schema as keys
from guard.registry.rows import canaries

Migration = Callable[[sqlite3.Connection], None]
MIGRATIONS: list[Migration] = []


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate the database to the newest schema in one transaction; every step runs once per database.

    Raises `StoreUnavailable` for a database of another program or of a newer version of Lethe.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _recorded(connection)
        for step in MIGRATIONS:
            if step.__name__ not in done:
                step(connection)
                connection.execute(
                    "INSERT INTO migrations (name, applied_at) VALUES (?, ?)",
                    (step.__name__, datetime.now(UTC).isoformat()),
                )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _recorded(connection: sqlite3.Connection) -> set[str]:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != APPLICATION_ID and (owner or objects):
        raise StoreUnavailable("the registry's file is a database of another program")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT"
    )
    done = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    if done - {step.__name__ for step in MIGRATIONS}:
        raise StoreUnavailable("the registry was written by a newer version of Lethe")
    return done


def migration(step: Migration) -> Migration:
    """Append a step to the list; databases record its name, which must never change."""
    MIGRATIONS.append(step)
    return step


@migration
def m001_targets(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE targets (
             seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
             folded_name TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, draft TEXT NOT NULL,
             forbidden TEXT NOT NULL, expires_at REAL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
           ) STRICT"""
    )
    connection.execute("CREATE UNIQUE INDEX active_names ON targets (kind, folded_name) WHERE state = 'active'")
    connection.execute("CREATE INDEX targets_by_state ON targets (state, seq)")
    connection.execute(
        "CREATE INDEX expiring ON targets (expires_at) WHERE state = 'active' AND expires_at IS NOT NULL"
    )


@migration
def m002_policy(connection: sqlite3.Connection) -> None:
    columns = "only_row INTEGER PRIMARY KEY CHECK (only_row = 1), version INTEGER NOT NULL"
    connection.execute(f"CREATE TABLE policy ({columns}) STRICT")
    connection.execute("INSERT INTO policy VALUES (1, 0)")


@migration
def m003_events(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE events (
             seq INTEGER PRIMARY KEY,
             at TEXT NOT NULL,
             action TEXT NOT NULL,
             target_id TEXT NOT NULL REFERENCES targets (id),
             revision INTEGER NOT NULL,
             policy_version INTEGER NOT NULL,
             actor TEXT NOT NULL,
             digest TEXT NOT NULL
           ) STRICT"""
    )
    for verb in ("UPDATE", "DELETE"):
        connection.execute(
            f"""CREATE TRIGGER events_stay_on_{verb.lower()} BEFORE {verb} ON events
                BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"""
        )


@migration
def m004_vectors(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE vectors (embedder TEXT NOT NULL, target_id TEXT NOT NULL REFERENCES targets (id),
             revision INTEGER NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (embedder, target_id, revision)
           ) STRICT, WITHOUT ROWID"""
    )
    connection.execute("CREATE INDEX vectors_by_target ON vectors (target_id)")


@migration
def m005_decoding(connection: sqlite3.Connection) -> None:
    connection.execute(
        """UPDATE targets SET draft = json_set(draft,
             '$.decoder', 'sample', '$.alpha', json('null'), '$.filter_rate', json('null'),
             '$.quoted_words', 8, '$.shared', json('false'))"""
    )


@migration
def m006_events_by_version(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE INDEX events_by_version ON events (policy_version)")


@migration
def m007_soft(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE targets SET draft = json_set(draft, '$.soft', json('false'))")


@migration
def m008_variants(connection: sqlite3.Connection) -> None:
    """Give every stored target the variants of the default, generated as for a new one."""
    from guard.registry.rows.draft import draft_of
    from guard.targets.phrases import variants
    from guard.targets.target import Draft

    connection.execute("ALTER TABLE targets ADD COLUMN variants TEXT NOT NULL DEFAULT '[]'")
    connection.execute("UPDATE targets SET draft = json_set(draft, '$.variants', 'close')")
    # Members that later steps add have their defaults here.
    defaults = orjson.loads(orjson.dumps(Draft(name="")))
    rows = connection.execute("SELECT id, draft FROM targets WHERE state = 'active'").fetchall()
    for id, draft in rows:
        texts = [variant.text for variant in variants(draft_of(defaults | orjson.loads(draft)))]
        connection.execute("UPDATE targets SET variants = ? WHERE id = ?", (orjson.dumps(texts).decode(), id))


@migration
def m009_patterns(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE targets SET draft = json_set(draft, '$.patterns', json('[]'))")


@migration
def m010_folded_names(connection: sqlite3.Connection) -> None:
    """Fold the names of active targets again; where two fold alike by now, the later keeps what it had."""
    from guard.registry.rows.names import folded_name

    for id, name in connection.execute(
        "SELECT id, draft ->> '$.name' FROM targets WHERE state = 'active'"
    ).fetchall():
        connection.execute("UPDATE OR IGNORE targets SET folded_name = ? WHERE id = ?", (folded_name(name), id))


@migration
def m011_supplied(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE targets SET draft = json_set(draft, '$.supplied', json('null'))")


@migration
def m012_elicitations(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE elicitations (target_id TEXT PRIMARY KEY REFERENCES targets (id), model TEXT NOT NULL,
             at TEXT NOT NULL, answers INTEGER NOT NULL, proposals TEXT NOT NULL
           ) STRICT"""
    )


@migration
def m013_rules(connection: sqlite3.Connection) -> None:
    """Have the phrases of every stored target made again: nobody knows by which rules they were."""
    connection.execute("ALTER TABLE targets ADD COLUMN rules TEXT NOT NULL DEFAULT ''")


@migration
def m014_distinguish(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE targets SET draft = json_set(draft, '$.distinguish', json('[]'))")


@migration
def m015_open_elicitations(connection: sqlite3.Connection) -> None:
    """Remember which elicitations have not ended: one that was lost with the server is told from none."""
    connection.execute(
        "CREATE TABLE open_elicitations (target_id TEXT PRIMARY KEY REFERENCES targets (id)) STRICT"
    )


@migration
def m016_replicas(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE replicas (id TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL,
             engine TEXT NOT NULL, runner TEXT NOT NULL, started_at TEXT NOT NULL, lease_s REAL NOT NULL,
             renewed_at REAL NOT NULL
           ) STRICT"""
    )


@migration
def m017_encryption(connection: sqlite3.Connection) -> None:
    """Make room for sealed texts and their keys. Of a sealed draft, steps before and after see the mode alone, and
    can add members that it lacks."""
    connection.execute("ALTER TABLE targets ADD COLUMN data_key INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE targets ADD COLUMN target_key BLOB")
    connection.execute("ALTER TABLE targets ADD COLUMN sealed BLOB")
    connection.execute("CREATE INDEX targets_by_data_key ON targets (data_key, seq)")
    connection.execute(
        """CREATE TABLE data_keys (
             id INTEGER NOT NULL,
             purpose TEXT NOT NULL,
             wrapped_by TEXT NOT NULL,
             wrapped BLOB NOT NULL,
             created_at TEXT NOT NULL,
             PRIMARY KEY (id, wrapped_by)
           ) STRICT"""
    )


@migration
def m040_webhooks(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE webhooks (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, enforced INTEGER NOT NULL,
             attempts INTEGER NOT NULL, retry_at REAL NOT NULL, owner TEXT NOT NULL, held_until REAL NOT NULL
           ) STRICT"""
    )
    connection.execute(
        """CREATE TABLE dead_letters (webhook TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL,
             attempts INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (webhook, seq)) STRICT"""
    )


@migration
def m041_keys(connection: sqlite3.Connection) -> None:
    for statement in keys.SQLITE:
        connection.execute(statement)


@migration
def m042_cases(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE cases (target_id TEXT PRIMARY KEY REFERENCES targets (id), received_at TEXT NOT NULL,
             due_at TEXT NOT NULL, requester TEXT NOT NULL, closed_at TEXT) STRICT"""
    )
    connection.execute("CREATE INDEX cases_by_due ON cases (due_at, target_id)")


@migration
def m043_approval(connection: sqlite3.Connection) -> None:
    for statement in approval.SQLITE:
        connection.execute(statement)


@migration
def m044_history(connection: sqlite3.Connection) -> None:
    for statement in history.SQLITE:
        connection.execute(statement)


@migration
def m045_approval_rule(connection: sqlite3.Connection) -> None:
    connection.execute(approval.RULE)


@migration
def m046_canaries(connection: sqlite3.Connection) -> None:
    for statement in canaries.SQLITE:
        connection.execute(statement)


@migration
def m047_events_of_the_approval_rule(connection: sqlite3.Connection) -> None:
    for statement in keys.SQLITE_RULE:
        connection.execute(statement)


@migration
def m048_changes_by_version(connection: sqlite3.Connection) -> None:
    connection.execute(history.CHANGES)
