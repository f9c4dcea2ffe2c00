"""Keeps the vectors of targets' texts, so that the next start need not embed them again."""

from __future__ import annotations

from collections.abc import Mapping

from guard.registry.database import Database, VectorKey


def keep_vectors(database: Database, embedder: str, vectors: Mapping[VectorKey, bytes]) -> None:
    """Cache vectors, except those of targets that have changed or ended meanwhile, or are about to.

    It waits for no change of another target, nor for the disk: what is lost is embedded again.
    """
    with database.noting() as connection:
        # So that no target ends, and no key is exchanged, before there are vectors to be deleted or sealed anew.
        locked = database.locked(connection, {id for id, _ in vectors})
        chosen = {key: vectors[key] for key in sorted(vectors) if key[0] in locked}
        stored = connection.texts.stored_vectors(connection, embedder, chosen)
        connection.executemany(
            """INSERT INTO vectors (embedder, target_id, revision, vector)
               SELECT ?, id, revision, ? FROM targets WHERE id = ? AND revision = ? AND state = 'active'
               ON CONFLICT (embedder, target_id, revision) DO UPDATE SET vector = excluded.vector""",
            [(embedder, vector, id, revision) for (id, revision), vector in stored.items()],
        )
