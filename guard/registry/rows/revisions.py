"""Earlier revisions of targets: what each was before it was changed, as long as the target is active.

A change stores what it replaces, so that targets that never change cost nothing. What is stored is sealed by the
target's own key where the registry is encrypted, and removed with all else of a target that ends.
"""

from __future__ import annotations

from typing import Any

import orjson

from guard.errors import StoreUnavailable
from guard.registry.database import REVISION, Connection
from guard.registry.rows.draft import draft_of
from guard.targets.target import Draft, ForgetTarget

MAX_REVISIONS = 20
"""Earlier revisions that are kept of a target, the latest of them."""


def keep_revision(connection: Connection, target: ForgetTarget) -> None:
    """Store what a target is before it is changed, and remove revisions that are too old."""
    content = orjson.dumps({"revision": target.revision, "draft": target.draft})
    connection.execute(
        """INSERT INTO revisions (target_id, revision, content) VALUES (?, ?, ?)
           ON CONFLICT (target_id, revision) DO UPDATE SET content = excluded.content""",
        (target.id, target.revision, connection.texts.stored_part(connection, REVISION, target.id, content)),
    )
    connection.execute(
        """DELETE FROM revisions WHERE target_id = ? AND revision <=
             (SELECT revision FROM revisions WHERE target_id = ? ORDER BY revision DESC LIMIT 1 OFFSET ?)""",
        (target.id, target.id, MAX_REVISIONS),
    )


def draft_at(connection: Connection, target: ForgetTarget, revision: int) -> Draft | None:
    """Return what an active target was at a revision, None if that is not kept."""
    if revision == target.revision:
        return target.draft
    row = connection.execute(
        "SELECT content FROM revisions WHERE target_id = ? AND revision = ?", (target.id, revision)
    ).fetchone()
    if row is None:
        return None
    try:
        stored: dict[str, Any] = orjson.loads(connection.texts.open_part(connection, REVISION, target.id, row[0]))
        # Sealed together, so that none can stand in the place of another one.
        if stored["revision"] != revision:
            raise ValueError
        return draft_of(stored["draft"])
    except (ValueError, TypeError, KeyError):
        raise StoreUnavailable(f"the registry's revision {revision} of {target.id} cannot be read") from None
