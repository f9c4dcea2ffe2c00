"""What canary shares add to the registry: a column of targets that have one, and the key that decides sides."""

from __future__ import annotations

import secrets

from guard.errors import TooManyCanaries
from guard.registry.database import Connection

MAX_CANARIES = 32
"""Active targets with a canary share at a time: each request asks of each whether it is in its share."""
KEY_BYTES = 32

SQLITE = (
    "ALTER TABLE targets ADD COLUMN canary REAL",
    "CREATE INDEX canaries ON targets (state) WHERE canary IS NOT NULL",
    "CREATE TABLE canary_key (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), key TEXT NOT NULL) STRICT",
)
POSTGRESQL = (
    "ALTER TABLE targets ADD COLUMN canary DOUBLE PRECISION",
    "CREATE INDEX canaries ON targets (state) WHERE canary IS NOT NULL",
    "CREATE TABLE canary_key (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), key TEXT NOT NULL)",
    "ALTER TABLE verdicts ADD COLUMN canary INTEGER NOT NULL DEFAULT 0",
)


def refuse_many_canaries(connection: Connection) -> None:
    """Raise `TooManyCanaries` if more active targets than MAX_CANARIES have a canary share by now."""
    counted = "SELECT count(*) FROM targets WHERE state = 'active' AND canary IS NOT NULL"
    if connection.execute(counted).fetchone()[0] > MAX_CANARIES:
        raise TooManyCanaries(f"at most {MAX_CANARIES} active targets have one at a time", field="canary")


def keep_canary_key(connection: Connection) -> None:
    """Make the registry's key, unless it has one: all servers decide by it, and nobody else knows it."""
    connection.execute(
        "INSERT INTO canary_key (only_row, key) VALUES (1, ?) ON CONFLICT DO NOTHING",
        (secrets.token_hex(KEY_BYTES),),
    )


def canary_key(connection: Connection) -> bytes:
    """Return the registry's key, empty before a target had a canary share."""
    row = connection.execute("SELECT key FROM canary_key").fetchone()
    return bytes.fromhex(row[0]) if row else b""
