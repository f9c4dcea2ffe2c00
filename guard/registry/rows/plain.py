"""Texts of targets as they are: the registry without encryption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from guard.errors import StoreUnavailable
from guard.registry.database import Connection, OpenTexts, Part, StoredTexts, VectorKey
from guard.registry.rows.names import folded_name
from guard.targets.target import ForgetTarget


class PlainTexts:
    """The `Texts` of a registry that is not encrypted."""

    files_key = None

    def stored(self, connection: Connection, targets: Sequence[ForgetTarget], new: bool) -> list[StoredTexts]:
        """Return the texts of each target as JSON."""
        return [
            StoredTexts(
                orjson.dumps(target.draft).decode(),
                orjson.dumps(target.forbidden).decode(),
                orjson.dumps(target.variants).decode(),
                folded_name(target.draft.name),
                0,
                None,
                None,
            )
            for target in targets
        ]

    def opened(self, connection: Connection, id: str, state: str, revision: int, stored: StoredTexts) -> OpenTexts:
        """Return the texts of a target. Raises StoreUnavailable if they are sealed, ValueError if malformed."""
        if stored.data_key:
            raise StoreUnavailable("the registry was encrypted since this process began")
        return OpenTexts(orjson.loads(stored.draft), orjson.loads(stored.forbidden), orjson.loads(stored.variants))

    def named(self, connection: Connection, kind: str, name: str) -> Sequence[str]:
        """Return the ids of the active targets of this kind and folded name."""
        rows = connection.execute(
            "SELECT id FROM targets WHERE state = 'active' AND kind = ? AND folded_name = ?", (kind, name)
        )
        return [str(id) for (id,) in rows]

    def positions(self, connection: Connection, part: str) -> list[int] | None:
        """Return None: the database can search for a part of a name."""
        return None

    def stored_part(self, connection: Connection, part: Part, id: str, content: bytes) -> str:
        """Return a part of a target as JSON."""
        return content.decode()

    def open_part(self, connection: Connection, part: Part, id: str, stored: str) -> bytes:
        """Return the JSON of a part."""
        return stored.encode()

    def stored_vectors(
        self, connection: Connection, embedder: str, vectors: Mapping[VectorKey, bytes]
    ) -> Mapping[VectorKey, bytes]:
        """Return the vectors."""
        return vectors

    def open_vectors(self, connection: Connection, embedder: str) -> dict[VectorKey, bytes]:
        """Return the cached vectors of an embedder by target and revision."""
        rows = connection.execute(
            "SELECT target_id, revision, vector FROM vectors WHERE embedder = ?", (embedder,)
        )
        return {VectorKey(id, revision): vector for id, revision, vector in rows}
