"""What approval adds to the registry's schema: the statements of a migration, in both databases."""

from __future__ import annotations

SQLITE = (
    """CREATE TABLE proposed_changes (
             target_id TEXT PRIMARY KEY REFERENCES targets (id),
             change TEXT NOT NULL,
             state TEXT NOT NULL,
             base INTEGER NOT NULL,
             revision INTEGER NOT NULL,
             proposer TEXT NOT NULL,
             identity TEXT NOT NULL,
             proposed_at TEXT NOT NULL,
             decided_by TEXT NOT NULL,
             decided_at TEXT,
             content TEXT NOT NULL
           ) STRICT""",
    "CREATE INDEX open_changes ON proposed_changes (state, target_id)",
    "ALTER TABLE events ADD COLUMN proposer TEXT NOT NULL DEFAULT ''",
)
RULE = "ALTER TABLE policy ADD COLUMN approval TEXT NOT NULL DEFAULT 'none'"
"""Of both databases."""
POSTGRESQL = (
    """CREATE TABLE proposed_changes (
             target_id TEXT COLLATE "C" PRIMARY KEY REFERENCES targets (id),
             change TEXT NOT NULL,
             state TEXT NOT NULL,
             base BIGINT NOT NULL,
             revision BIGINT NOT NULL,
             proposer TEXT NOT NULL,
             identity TEXT NOT NULL,
             proposed_at TEXT NOT NULL,
             decided_by TEXT NOT NULL,
             decided_at TEXT,
             content TEXT NOT NULL
           )""",
    "CREATE INDEX open_changes ON proposed_changes (state, target_id)",
    "ALTER TABLE events ADD COLUMN proposer TEXT NOT NULL DEFAULT ''",
)
