"""The data keys of a registry: stored wrapped, and kept open in memory while the registry is."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from guard.encryption.sealing import SealBroken, Secret, new_secret
from guard.encryption.wrapping import WrappedKey, name_of, unwrap, wrap
from guard.errors import StoreUnavailable
from guard.registry.database import Connection


class EncryptionKeyMissing(StoreUnavailable):
    """The registry is encrypted, and no key is configured."""

    code = "encryption_key_missing"


class EncryptionKeyWrong(StoreUnavailable):
    """The registry is encrypted by another key than the one that is configured."""

    code = "encryption_key_wrong"


class RegistryNotEncrypted(StoreUnavailable):
    """A key is configured, and the registry, or a part of it, is not encrypted."""

    code = "registry_not_encrypted"

    def __init__(self) -> None:
        super().__init__("the registry is not encrypted, or not whole: run `lethe registry encrypt`")


class Purpose(StrEnum):
    """What a data key seals: keys of targets, or files of a server."""

    TARGETS = "targets"
    FILES = "files"


class DataKeys:
    """The data keys that the wrapping key opens, each opened once. Of those of a purpose the last is current."""

    def __init__(self, wrapping: Secret) -> None:
        self.wrapping = wrapping
        self._open: dict[int, Secret] = {}

    def current(self, connection: Connection, purpose: Purpose = Purpose.TARGETS) -> int:
        """Return the number of the data key that seals from now on, 0 if there is none."""
        statement = "SELECT coalesce(max(id), 0) FROM data_keys WHERE purpose = ?"
        return int(connection.execute(statement, (purpose,)).fetchone()[0])

    def secret(self, connection: Connection, number: int) -> Secret:
        """Return the data key of this number. Raises EncryptionKeyWrong or StoreUnavailable."""
        if number not in self._open:
            self._open[number] = self._read(connection, number)
        return self._open[number]

    def _read(self, connection: Connection, number: int) -> Secret:
        own = name_of(self.wrapping)
        rows = connection.execute("SELECT wrapped_by, wrapped, purpose FROM data_keys WHERE id = ?", (number,))
        found = {by: (WrappedKey(by, wrapped), purpose) for by, wrapped, purpose in rows}
        if not found:
            raise StoreUnavailable("the registry's record names a data key that is not there")
        if own not in found:
            raise EncryptionKeyWrong("the registry is encrypted by another key than the one that is configured")
        wrapped, purpose = found[own]
        try:
            return unwrap(self.wrapping, wrapped, str(number), purpose)
        except SealBroken:
            raise EncryptionKeyWrong("the registry's data key was altered") from None

    def make(self, connection: Connection, purpose: Purpose) -> int:
        """Store a new data key, which is current from now on, and return its number."""
        number = int(connection.execute("SELECT coalesce(max(id), 0) + 1 FROM data_keys").fetchone()[0])
        secret = new_secret()
        insert(connection, number, purpose, wrap(self.wrapping, secret, str(number), purpose))
        return number


def insert(connection: Connection, number: int, purpose: str, wrapped: WrappedKey) -> None:
    """Store a wrapped data key."""
    connection.execute(
        "INSERT INTO data_keys (id, purpose, wrapped_by, wrapped, created_at) VALUES (?, ?, ?, ?, ?)",
        (number, purpose, wrapped.by, wrapped.content, datetime.now(UTC).isoformat()),
    )


def exist(connection: Connection) -> bool:
    """Return whether the registry has data keys: it is encrypted, or its encryption has begun."""
    return connection.execute("SELECT 1 FROM data_keys LIMIT 1").fetchone() is not None
