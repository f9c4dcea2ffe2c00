"""Texts of targets sealed: each target has a key of its own, wrapped by the registry's data key.

The key of a target is replaced when the target ends: what was sealed by the old one cannot be read any more.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from guard.encryption.sealing import SealBroken, Secret, open_sealed, seal
from guard.encryption.wrapping import RecordKey, new_record_key, open_record_key
from guard.registry.database import Connection, OpenTexts, Part, StoredTexts, VectorKey
from guard.registry.rows.data_keys import DataKeys
from guard.registry.rows.names import Names, folded_name
from guard.targets.target import ForgetTarget, State

MAX_PARAMETERS = 500
"""Ids in one statement."""


class RowIdentity(NamedTuple):
    """What a row says of its target beside the texts, which are sealed with it: they open in no other row."""

    id: str
    state: str
    revision: int


class SealedTexts:
    """The `Texts` of a registry that is encrypted."""

    def __init__(self, keys: DataKeys, files_key: Secret) -> None:
        self.keys = keys
        self.files_key = files_key
        self._names = Names(self._open_name)

    def stored(self, connection: Connection, targets: Sequence[ForgetTarget], new: bool) -> list[StoredTexts]:
        """Return the texts of each target, sealed by its key; one that is new or has ended gets another key."""
        number = self.keys.current(connection)
        data_key = self.keys.secret(connection, number)
        active = [target.id for target in targets if target.state is State.ACTIVE]
        known = {} if new else self._keys_of(connection, active)
        return [
            sealed_texts(target, known.get(target.id) or new_record_key(data_key, number, target.id))
            for target in targets
        ]

    def opened(self, connection: Connection, id: str, state: str, revision: int, stored: StoredTexts) -> OpenTexts:
        """Return the texts of a target. Raises SealBroken if they were altered, or are not sealed."""
        if stored.target_key is None or stored.sealed is None:
            raise SealBroken("a record of an encrypted registry is not sealed")
        key = self.key(connection, id, stored.data_key, stored.target_key)
        content = orjson.loads(open_content(key, RowIdentity(id, state, revision), stored.sealed))
        # A later version of Lethe adds members, with their defaults, to the part that is not sealed.
        return OpenTexts(orjson.loads(stored.draft) | content["draft"], content["forbidden"], content["variants"])

    def named(self, connection: Connection, kind: str, name: str) -> Sequence[str]:
        """Return the ids of the active targets of this kind and folded name."""
        return self._names.ids_of(connection, kind, name)

    def positions(self, connection: Connection, part: str) -> list[int] | None:
        """Return the positions of the active targets whose folded name contains `part`, in their order."""
        return self._names.positions(connection, part)

    def stored_part(self, connection: Connection, part: Part, id: str, content: bytes) -> str:
        """Return a part of a target, sealed."""
        return sealed_part(self._keys_of(connection, [id])[id], part.name, id, content)

    def open_part(self, connection: Connection, part: Part, id: str, stored: str) -> bytes:
        """Return the JSON of a part. Raises SealBroken."""
        return open_part(self._keys_of(connection, [id])[id], part.name, id, stored)

    def stored_vectors(
        self, connection: Connection, embedder: str, vectors: Mapping[VectorKey, bytes]
    ) -> Mapping[VectorKey, bytes]:
        """Return the vectors, sealed; of those targets that are stored."""
        keys = self._keys_of(connection, [id for id, _ in vectors])
        return {
            VectorKey(id, revision): sealed_vector(keys[id], embedder, id, revision, vector)
            for (id, revision), vector in vectors.items()
            if id in keys
        }

    def open_vectors(self, connection: Connection, embedder: str) -> dict[VectorKey, bytes]:
        """Return the cached vectors of an embedder by target and revision. Raises SealBroken."""
        rows = connection.execute(
            """SELECT v.target_id, v.revision, v.vector, t.data_key, t.target_key
               FROM vectors v JOIN targets t ON t.id = v.target_id WHERE v.embedder = ?""",
            (embedder,),
        )
        return {
            VectorKey(id, revision): open_vector(self.key(connection, id, *key), embedder, id, revision, vector)
            for id, revision, vector, *key in rows
        }

    def key(self, connection: Connection, id: str, data_key: int, wrapped: bytes) -> RecordKey:
        """Return the key of a target from what its row stores. Raises SealBroken."""
        return open_record_key(self.keys.secret(connection, data_key), data_key, wrapped, id)

    def _open_name(self, connection: Connection, id: str, data_key: int, wrapped: bytes, sealed: str) -> str:
        return open_name(self.key(connection, id, data_key, wrapped), id, sealed)

    def _keys_of(self, connection: Connection, ids: Iterable[str]) -> dict[str, RecordKey]:
        found: dict[str, RecordKey] = {}
        for some in _batches(ids):
            rows = connection.execute(
                f"SELECT id, data_key, target_key FROM targets WHERE id IN ({', '.join('?' * len(some))})", some
            )
            found |= {id: self.key(connection, id, *key) for id, *key in rows}
        return found


def sealed_texts(target: ForgetTarget, key: RecordKey) -> StoredTexts:
    """Return what a row stores of the texts of a target: the texts sealed by its key, and its mode."""
    content = {"draft": target.draft, "forbidden": target.forbidden, "variants": target.variants}
    identity = RowIdentity(target.id, target.state, target.revision)
    return sealed_content(key, identity, orjson.dumps(content), target.draft.mode, folded_name(target.draft.name))


def sealed_content(key: RecordKey, row: RowIdentity, content: bytes, mode: str, folded: str) -> StoredTexts:
    """Return what a row stores of the JSON of a target's texts; the folded name, of an active target, too."""
    name = _to_text(seal(key.secret, folded.encode(), "name", row.id)) if row.state == State.ACTIVE else ""
    return StoredTexts(
        # By the mode the database searches.
        draft=orjson.dumps({"mode": mode}).decode(),
        forbidden="[]",
        variants="[]",
        folded_name=name,
        data_key=key.data_key,
        target_key=key.wrapped,
        sealed=seal(key.secret, content, "target", row.id, row.state, str(row.revision)),
    )


def open_content(key: RecordKey, row: RowIdentity, sealed: bytes) -> bytes:
    """Return the JSON of a target's texts. Raises SealBroken."""
    return open_sealed(key.secret, sealed, "target", row.id, row.state, str(row.revision))


def open_name(key: RecordKey, id: str, sealed: str) -> str:
    """Return the folded name of an active target. Raises SealBroken."""
    return open_sealed(key.secret, _from_text(sealed), "name", id).decode()


def open_part(key: RecordKey, part: str, id: str, sealed: str) -> bytes:
    """Return the JSON of what another table stores of a target. Raises SealBroken."""
    return open_sealed(key.secret, _from_text(sealed), part, id)


def open_vector(key: RecordKey, embedder: str, id: str, revision: int, sealed: bytes) -> bytes:
    """Return a vector of a target's text. Raises SealBroken."""
    return open_sealed(key.secret, sealed, "vector", embedder, id, str(revision))


def sealed_part(key: RecordKey, part: str, id: str, content: bytes) -> str:
    """Return the JSON of what another table stores of a target, sealed."""
    return _to_text(seal(key.secret, content, part, id))


def sealed_vector(key: RecordKey, embedder: str, id: str, revision: int, vector: bytes) -> bytes:
    """Return a vector of a target's text, sealed."""
    return seal(key.secret, vector, "vector", embedder, id, str(revision))


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = list(ids)
    for start in range(0, len(rest), MAX_PARAMETERS):
        yield rest[start : start + MAX_PARAMETERS]


def _to_text(sealed: bytes) -> str:
    return base64.b64encode(sealed).decode()


def _from_text(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise SealBroken("a sealed record is damaged") from None
