"""The registry's schema in PostgreSQL, as the list of migrations that create it.

Tables and columns are those of SQLite. Keys that are text have the collation "C", so that they sort as there.
"""

from __future__ import annotations

from datetime import UTC, datetime

from guard.errors import StoreUnavailable
from guard.registry.approval import schema as approval
from guard.registry.database import APPLICATION_ID, Connection
from guard.registry.history import schema as history
from guard.registry.keys import schema as keys
from guard.registry.rows import canaries

POLICY_CHANNEL = "lethe_policy"
"""The channel that is notified of every change of the policy version."""


def migrate(connection: Connection) -> None:
    """Migrate the schema to the newest version, in the transaction of `connection`; nothing is written if it is.

    Raises `StoreUnavailable` for a schema of another program or of a newer version of Lethe.
    """
    if set(MIGRATIONS) == _recorded(connection):
        return
    connection.execute(f"SELECT pg_advisory_xact_lock({APPLICATION_ID})")
    done = _recorded(connection)
    if not done:
        connection.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)")
    for name, statements in MIGRATIONS.items():
        if name not in done:
            for statement in statements:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO migrations (name, applied_at) VALUES (?, ?)", (name, datetime.now(UTC).isoformat())
            )


def _recorded(connection: Connection) -> set[str]:
    columns = connection.execute(
        """SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"""
    ).fetchall()
    if not columns:
        return set()
    if ("migrations", "applied_at") not in columns or ("policy", "version") not in columns:
        raise StoreUnavailable("the registry's schema is one of another program: give it a schema of its own")
    done = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    if done - MIGRATIONS.keys():
        raise StoreUnavailable("the registry was written by a newer version of Lethe")
    return done


MIGRATIONS: dict[str, tuple[str, ...]] = {
    "p001_registry": (
        """CREATE TABLE targets (
             seq BIGINT PRIMARY KEY,
             id TEXT COLLATE "C" NOT NULL UNIQUE,
             kind TEXT NOT NULL,
             folded_name TEXT NOT NULL,
             state TEXT NOT NULL,
             revision BIGINT NOT NULL,
             draft TEXT NOT NULL,
             forbidden TEXT NOT NULL,
             expires_at DOUBLE PRECISION,
             created_at TEXT NOT NULL,
             updated_at TEXT NOT NULL,
             variants TEXT NOT NULL,
             rules TEXT NOT NULL
           )""",
        # Not unique, which a hash index cannot be, and other indexes have no room for long names: writers take
        # turns, and look for the name before they add it.
        "CREATE INDEX active_names ON targets USING hash (folded_name) WHERE state = 'active'",
        "CREATE INDEX targets_by_state ON targets (state, seq)",
        """CREATE INDEX expiring ON targets (expires_at) WHERE state = 'active' AND expires_at IS NOT NULL""",
        "CREATE TABLE policy (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), version BIGINT NOT NULL)",
        "INSERT INTO policy (only_row, version) VALUES (1, 0)",
        f"""CREATE FUNCTION notify_policy() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_notify('{POLICY_CHANNEL}', ''); RETURN NULL; END $$""",
        """CREATE TRIGGER policy_is_notified AFTER UPDATE ON policy
           FOR EACH ROW EXECUTE FUNCTION notify_policy()""",
        """CREATE TABLE events (
             seq BIGINT PRIMARY KEY,
             at TEXT NOT NULL,
             action TEXT NOT NULL,
             target_id TEXT COLLATE "C" NOT NULL REFERENCES targets (id),
             revision BIGINT NOT NULL,
             policy_version BIGINT NOT NULL,
             actor TEXT NOT NULL,
             digest TEXT NOT NULL
           )""",
        "CREATE INDEX events_by_version ON events (policy_version)",
        """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN RAISE EXCEPTION 'events are append-only'; END $$""",
        """CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events
           FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
        """CREATE TABLE vectors (
             embedder TEXT COLLATE "C" NOT NULL,
             target_id TEXT COLLATE "C" NOT NULL REFERENCES targets (id),
             revision BIGINT NOT NULL,
             vector BYTEA NOT NULL,
             PRIMARY KEY (embedder, target_id, revision)
           )""",
        "CREATE INDEX vectors_by_target ON vectors (target_id)",
        """CREATE TABLE elicitations (
             target_id TEXT COLLATE "C" PRIMARY KEY REFERENCES targets (id),
             model TEXT NOT NULL,
             at TEXT NOT NULL,
             answers BIGINT NOT NULL,
             proposals TEXT NOT NULL
           )""",
        'CREATE TABLE open_elicitations (target_id TEXT COLLATE "C" PRIMARY KEY REFERENCES targets (id))',
    ),
    "p002_replicas": (
        """CREATE TABLE replicas (
             id TEXT COLLATE "C" PRIMARY KEY,
             name TEXT NOT NULL,
             version BIGINT NOT NULL,
             engine TEXT NOT NULL,
             runner TEXT NOT NULL,
             started_at TEXT NOT NULL,
             lease_s DOUBLE PRECISION NOT NULL,
             renewed_at DOUBLE PRECISION NOT NULL
           )""",
    ),
    "p003_encryption": (
        "ALTER TABLE targets ADD COLUMN data_key BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE targets ADD COLUMN target_key BYTEA",
        "ALTER TABLE targets ADD COLUMN sealed BYTEA",
        "CREATE INDEX targets_by_data_key ON targets (data_key, seq)",
        """CREATE TABLE data_keys (
             id BIGINT NOT NULL,
             purpose TEXT NOT NULL,
             wrapped_by TEXT COLLATE "C" NOT NULL,
             wrapped BYTEA NOT NULL,
             created_at TEXT NOT NULL,
             PRIMARY KEY (id, wrapped_by)
           )""",
    ),
    "p003_verdicts": (
        """CREATE TABLE verdicts (
             seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
             at DOUBLE PRECISION NOT NULL,
             request_id TEXT NOT NULL,
             target_id TEXT COLLATE "C" NOT NULL,
             revision BIGINT NOT NULL,
             score DOUBLE PRECISION NOT NULL,
             signals TEXT NOT NULL,
             kind TEXT NOT NULL,
             mode TEXT NOT NULL,
             touched_by TEXT NOT NULL,
             server TEXT NOT NULL
           )""",
    ),
    "p004_keys": keys.POSTGRESQL,
    "p040_webhooks": (
        """CREATE TABLE webhooks (
             id TEXT COLLATE "C" PRIMARY KEY,
             seq BIGINT NOT NULL,
             enforced BIGINT NOT NULL,
             attempts BIGINT NOT NULL,
             retry_at DOUBLE PRECISION NOT NULL,
             owner TEXT NOT NULL,
             held_until DOUBLE PRECISION NOT NULL
           )""",
        """CREATE TABLE dead_letters (
             webhook TEXT COLLATE "C" NOT NULL,
             seq BIGINT NOT NULL,
             at TEXT NOT NULL,
             attempts BIGINT NOT NULL,
             reason TEXT NOT NULL,
             PRIMARY KEY (webhook, seq)
           )""",
    ),
    "p042_cases": (
        """CREATE TABLE cases (
             target_id TEXT COLLATE "C" PRIMARY KEY REFERENCES targets (id),
             received_at TEXT COLLATE "C" NOT NULL,
             due_at TEXT COLLATE "C" NOT NULL,
             requester TEXT NOT NULL,
             closed_at TEXT
           )""",
        "CREATE INDEX cases_by_due ON cases (due_at, target_id)",
    ),
    "p043_approval": approval.POSTGRESQL,
    "p044_history": history.POSTGRESQL,
    "p045_approval_rule": (approval.RULE,),
    "p046_canaries": canaries.POSTGRESQL,
    "p047_events_of_the_approval_rule": keys.POSTGRESQL_RULE,
    "p048_changes_by_version": (history.CHANGES,),
}
