"""What keys add to the registry's schema: the statements of migrations, in both databases."""

from __future__ import annotations

_SQLITE_EVENTS = """CREATE TABLE {name} (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, action TEXT NOT NULL,
             key_id TEXT {null} REFERENCES keys (id), actor TEXT NOT NULL, digest TEXT NOT NULL
           ) STRICT"""
_SQLITE_STAY = tuple(
    f"""CREATE TRIGGER key_events_stay_on_{verb.lower()} BEFORE {verb} ON key_events
                BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"""
    for verb in ("UPDATE", "DELETE")
)

SQLITE = (
    """CREATE TABLE keys (id TEXT PRIMARY KEY, audience TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL,
             options TEXT NOT NULL, created_at TEXT NOT NULL, expires_at REAL, revoked_at REAL, last_used_at REAL
           ) STRICT""",
    """CREATE TABLE key_secrets (digest TEXT PRIMARY KEY, key_id TEXT NOT NULL REFERENCES keys (id), until REAL
           ) STRICT""",
    _SQLITE_EVENTS.format(name="key_events", null="NOT NULL"),
    *_SQLITE_STAY,
)
POSTGRESQL = (
    """CREATE TABLE keys (
             id TEXT COLLATE "C" PRIMARY KEY,
             audience TEXT NOT NULL,
             role TEXT NOT NULL,
             name TEXT NOT NULL,
             options TEXT NOT NULL,
             created_at TEXT NOT NULL,
             expires_at DOUBLE PRECISION,
             revoked_at DOUBLE PRECISION,
             last_used_at DOUBLE PRECISION
           )""",
    """CREATE TABLE key_secrets (
             digest TEXT COLLATE "C" PRIMARY KEY,
             key_id TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
             until DOUBLE PRECISION
           )""",
    """CREATE TABLE key_events (
             seq BIGINT PRIMARY KEY,
             at TEXT NOT NULL,
             action TEXT NOT NULL,
             key_id TEXT COLLATE "C" NOT NULL REFERENCES keys (id),
             actor TEXT NOT NULL,
             digest TEXT NOT NULL
           )""",
    """CREATE TRIGGER key_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON key_events
           FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
)

# An event of the rule of approval is of no key. SQLite changes no column, so that the table is written again, as
# it is; to drop a table fires no trigger, and takes its triggers along.
SQLITE_RULE = (
    _SQLITE_EVENTS.format(name="key_events_anew", null=""),
    "INSERT INTO key_events_anew SELECT seq, at, action, key_id, actor, digest FROM key_events ORDER BY seq",
    "DROP TABLE key_events",
    "ALTER TABLE key_events_anew RENAME TO key_events",
    *_SQLITE_STAY,
)
POSTGRESQL_RULE = ("ALTER TABLE key_events ALTER COLUMN key_id DROP NOT NULL",)
