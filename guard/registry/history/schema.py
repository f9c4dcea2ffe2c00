"""What history adds to the registry's schema: the statements of a migration, in both databases."""

from __future__ import annotations

SQLITE = (
    """CREATE TABLE revisions (
         target_id TEXT NOT NULL REFERENCES targets (id),
         revision INTEGER NOT NULL,
         content TEXT NOT NULL,
         PRIMARY KEY (target_id, revision)
       ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX events_by_target ON events (target_id, policy_version)",
)
POSTGRESQL = (
    """CREATE TABLE revisions (
         target_id TEXT COLLATE "C" NOT NULL REFERENCES targets (id),
         revision BIGINT NOT NULL,
         content TEXT NOT NULL,
         PRIMARY KEY (target_id, revision)
       )""",
    "CREATE INDEX events_by_target ON events (target_id, policy_version)",
)
CHANGING = "action IN ('added', 'changed', 'revoked', 'expired')"
"""Which events change what is in force: the condition of the index, which statements that use it must repeat."""
CHANGES = f"CREATE INDEX changes_by_version ON events (policy_version, seq) WHERE {CHANGING}"
"""Of both databases."""
