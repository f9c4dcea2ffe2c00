"""Changes of keys: texts sealed for the first time or under another data key, and data keys wrapped again.

All of it goes on while servers read and write, a batch in a transaction, and an interrupted run is taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from guard.encryption.sealing import SealBroken, Secret
from guard.encryption.wrapping import RecordKey, WrappedKey, name_of, new_record_key, unwrap, wrap
from guard.registry.database import PARTS, Connection, Database, Part, StoredTexts
from guard.registry.rows import data_keys
from guard.registry.rows.data_keys import DataKeys, EncryptionKeyWrong, Purpose, RegistryNotEncrypted
from guard.registry.rows.sealed import (
    RowIdentity,
    SealedTexts,
    open_content,
    open_name,
    open_part,
    open_vector,
    sealed_content,
    sealed_part,
    sealed_vector,
)

BATCH_TARGETS = 50
"""Targets in one transaction, for which writers wait."""

Report = Callable[[int], None]
"""Called with the number of targets that are done."""


def encrypt(database: Database, key: Secret, report: Report) -> int:
    """Seal all texts that are not sealed yet, and return of how many targets; no server may use the registry.

    Raises EncryptionKeyWrong if its encryption was begun under another key.
    """
    keys = DataKeys(key)
    with database.writing() as connection:
        make_data_keys(keys, connection)
        keys.secret(connection, keys.current(connection))
    done = _seal_all(database, keys, report)
    database.rewrite()
    return done


def encrypt_again(database: Database, key: Secret, report: Report) -> int:
    """Seal all texts under a new data key and new keys of the targets, and return of how many; servers may go on.

    The data keys before are removed. A run that was interrupted is completed first, under the key that it made.
    """
    keys = DataKeys(key)
    with database.writing() as connection:
        number = keys.current(connection)
        if not number:
            raise RegistryNotEncrypted
        keys.secret(connection, number)
        if not _rows_before(connection, number, 1):
            keys.make(connection, Purpose.TARGETS)
    done = _seal_all(database, keys, report)
    database.scrub()
    return done


def wrap_again(database: Database, key: Secret, other: Secret, drop: bool) -> int:
    """Wrap the data keys by the key `other` too, and return how many; texts stay, and servers may go on.

    `drop`: no key but `other` opens them from now on, which running servers must have begun with. Raises
    EncryptionKeyWrong if `key` opens none.
    """
    with database.writing() as connection:
        rows = connection.execute(
            "SELECT id, purpose, wrapped FROM data_keys WHERE wrapped_by = ?", (name_of(key),)
        ).fetchall()
        if not data_keys.exist(connection):
            raise RegistryNotEncrypted
        if not rows:
            raise EncryptionKeyWrong("the configured key opens none of the registry's data keys")
        connection.execute("DELETE FROM data_keys WHERE wrapped_by = ?", (name_of(other),))
        for number, purpose, wrapped in rows:
            secret = _unwrapped(key, number, purpose, wrapped)
            data_keys.insert(connection, number, purpose, wrap(other, secret, str(number), purpose))
        if drop:
            connection.execute("DELETE FROM data_keys WHERE wrapped_by != ?", (name_of(other),))
    database.scrub()
    return len(rows)


def make_data_keys(keys: DataKeys, connection: Connection) -> None:
    """Store the first data keys of a registry, unless another process has."""
    if not data_keys.exist(connection):
        for purpose in Purpose:
            keys.make(connection, purpose)


def opened_texts(database: Database, keys: DataKeys) -> SealedTexts:
    """Return how the texts are sealed that these data keys open. Raises EncryptionKeyWrong."""
    with database.reading() as connection:
        keys.secret(connection, keys.current(connection))
        return SealedTexts(keys, keys.secret(connection, keys.current(connection, Purpose.FILES)))


def _unwrapped(key: Secret, number: int, purpose: str, wrapped: bytes) -> Secret:
    try:
        return unwrap(key, WrappedKey(name_of(key), wrapped), str(number), purpose)
    except SealBroken:
        raise EncryptionKeyWrong("the registry's data key was altered") from None


def _seal_all(database: Database, keys: DataKeys, report: Report) -> int:
    texts, done = opened_texts(database, keys), 0
    while True:
        with database.writing() as connection:
            # Of another process that does the same, the later data key counts.
            number = keys.current(connection)
            rows = _rows_before(connection, number, BATCH_TARGETS)
            if not rows:
                connection.execute("DELETE FROM data_keys WHERE purpose = ? AND id < ?", (Purpose.TARGETS, number))
                return done
            _seal(connection, texts, number, rows)
        done += len(rows)
        report(done)


def _rows_before(connection: Connection, number: int, limit: int) -> list[Sequence[Any]]:
    """Return targets whose key is not wrapped by the data key of this number: identity, and stored texts."""
    columns = ", ".join((*RowIdentity._fields, *StoredTexts._fields))
    return connection.execute(
        f"SELECT {columns} FROM targets WHERE data_key < ? ORDER BY data_key, seq LIMIT ?", (number, limit)
    ).fetchall()


def _seal(connection: Connection, texts: SealedTexts, number: int, rows: Sequence[Sequence[Any]]) -> None:
    data_key = texts.keys.secret(connection, number)
    before: dict[str, RecordKey | None] = {}
    after = {}
    for row in rows:
        identity, stored = RowIdentity(*row[:3]), StoredTexts(*row[3:])
        old = _key_before(connection, texts, identity.id, stored)
        key = before[identity.id], after[identity.id] = old, new_record_key(data_key, number, identity.id)
        _write(connection, identity, _sealed(identity, stored, *key))
    for part in PARTS:
        _seal_parts(connection, part, before, after)
    _seal_vectors(connection, before, after)


def _key_before(connection: Connection, texts: SealedTexts, id: str, stored: StoredTexts) -> RecordKey | None:
    if not stored.data_key:
        return None
    return texts.key(connection, id, stored.data_key, stored.target_key or b"")


def _sealed(identity: RowIdentity, stored: StoredTexts, before: RecordKey | None, after: RecordKey) -> StoredTexts:
    if before is None:
        draft = orjson.loads(stored.draft)
        lists = {name: orjson.loads(getattr(stored, name)) for name in ("forbidden", "variants")}
        content, name = orjson.dumps({"draft": draft, **lists}), stored.folded_name
        return sealed_content(after, identity, content, draft["mode"], name)
    content = open_content(before, identity, stored.sealed or b"")
    name = open_name(before, identity.id, stored.folded_name) if stored.folded_name else ""
    # The part that is not sealed may have members that later versions of Lethe added.
    return sealed_content(after, identity, content, "", name)._replace(draft=stored.draft)


def _write(connection: Connection, identity: RowIdentity, stored: StoredTexts) -> None:
    changes = ", ".join(f"{name} = ?" for name in StoredTexts._fields)
    connection.execute(f"UPDATE targets SET {changes} WHERE id = ?", (*stored, identity.id))


def _seal_parts(
    connection: Connection, part: Part, before: Mapping[str, RecordKey | None], after: Mapping[str, RecordKey]
) -> None:
    names = ", ".join(part.key)
    where = " AND ".join(f"{name} = ?" for name in part.key)
    for *key, stored in _of(connection, f"{names}, {part.column}", part.table, after):
        if not stored:
            continue
        id = key[0]
        old = before[id]
        content = stored.encode() if old is None else open_part(old, part.name, id, stored)
        connection.execute(
            f"UPDATE {part.table} SET {part.column} = ? WHERE {where}",
            (sealed_part(after[id], part.name, id, content), *key),
        )


def _seal_vectors(
    connection: Connection, before: Mapping[str, RecordKey | None], after: Mapping[str, RecordKey]
) -> None:
    for id, embedder, revision, stored in _of(
        connection, "target_id, embedder, revision, vector", "vectors", after
    ):
        old = before[id]
        vector = stored if old is None else open_vector(old, embedder, id, revision, stored)
        connection.execute(
            "UPDATE vectors SET vector = ? WHERE target_id = ? AND embedder = ? AND revision = ?",
            (sealed_vector(after[id], embedder, id, revision, vector), id, embedder, revision),
        )


def _of(connection: Connection, columns: str, table: str, ids: Mapping[str, object]) -> Iterator[Sequence[Any]]:
    places = ", ".join("?" * len(ids))
    statement = f"SELECT {columns} FROM {table} WHERE target_id IN ({places})"
    yield from connection.execute(statement, list(ids)).fetchall()
