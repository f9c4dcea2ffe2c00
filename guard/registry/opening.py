"""Opens a registry's database, by the adapter of its kind, and its encryption, by the operator's key."""

from __future__ import annotations

from guard.encryption.sealing import Secret
from guard.registry.database import Database, Location, PostgresUrl, Texts
from guard.registry.rows import data_keys
from guard.registry.rows.data_keys import DataKeys, EncryptionKeyMissing, RegistryNotEncrypted
from guard.registry.rows.plain import PlainTexts
from guard.registry.rows.rotation import make_data_keys, opened_texts


def open_database(location: Location) -> Database:
    """Open the database and bring its schema up to date; no text of it is read. Raises `StoreUnavailable`."""
    if isinstance(location, PostgresUrl):
        from guard.registry.postgresql import PostgresDatabase

        return PostgresDatabase(location)
    from guard.registry.sqlite import SqliteDatabase

    return SqliteDatabase(location)


def open_registry(location: Location, key: Secret | None) -> Database:
    """Open the database for reading and writing texts, which are sealed if there is a key.

    A registry without targets is encrypted from now on if there is a key. Raises `StoreUnavailable`,
    `EncryptionKeyMissing`, `EncryptionKeyWrong` and `RegistryNotEncrypted`.
    """
    database = open_database(location)
    try:
        database.texts = _texts_of(database, key)
    except BaseException:
        database.close()
        raise
    return database


def _texts_of(database: Database, key: Secret | None) -> Texts:
    with database.reading() as connection:
        encrypted = data_keys.exist(connection)
        has_plain = connection.execute("SELECT 1 FROM targets WHERE data_key = 0 LIMIT 1").fetchone() is not None
    if key is None:
        if encrypted:
            raise EncryptionKeyMissing("the registry is encrypted: configure its key (encryption_key_file)")
        return PlainTexts()
    if has_plain:
        raise RegistryNotEncrypted
    keys = DataKeys(key)
    if not encrypted:
        with database.writing() as connection:
            make_data_keys(keys, connection)
    return opened_texts(database, keys)
