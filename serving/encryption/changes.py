"""Changes of a registry's encryption: begun, under another data key, or under another key of the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from guard.encryption.key_source import EncryptionKeyUnreadable, key_from_command, key_in_file
from guard.encryption.sealing import Secret
from guard.errors import BadSettings
from guard.registry.database import Database, Location
from guard.registry.opening import open_database
from guard.registry.replicas import Replicas
from guard.registry.rows import rotation
from guard.registry.rows.data_keys import DataKeys
from serving.encryption.folders import MemoryFolders, ServerFolders

Progress = Callable[[str, float], None]
"""Called with what is done, and the share of it that is."""


class RegistryInUse(BadSettings):
    """A server uses the registry."""

    code = "registry_in_use"


def encrypt_all(settings: ServerFolders, location: Location, key: Secret | None, progress: Progress) -> int:
    """Encrypt all targets of a registry and the files of a data folder, and return how many targets were not.

    Raises RegistryInUse while a server uses it, EncryptionKeyUnreadable without a key, and StoreUnavailable.
    """
    key = _required(key)
    with closing(open_database(location)) as database:
        if any(replica.live for replica in Replicas(database).list()):
            raise RegistryInUse("a server uses the registry, or was killed less than a minute ago: stop it first")
        with _counted(database, progress) as report:
            done = rotation.encrypt(database, key, report)
        texts = rotation.opened_texts(database, DataKeys(key))
        MemoryFolders(settings.opened_dir, settings.data_dir, texts.files_key).seal_plain()
    return done


def encrypt_again(location: Location, key: Secret | None, progress: Progress) -> int:
    """Encrypt all targets under a new data key and new keys of their own, and return how many."""
    with closing(open_database(location)) as database, _counted(database, progress) as report:
        return rotation.encrypt_again(database, _required(key), report)


def wrap_again(location: Location, key: Secret | None, other: Secret | None, drop: bool) -> int:
    """Wrap the data keys by the key `other`, and return how many; `drop`: no other key opens them any more.

    Without another key, they are those that `key` opens.
    """
    with closing(open_database(location)) as database:
        return rotation.wrap_again(database, _required(key), other or _required(key), drop)


def new_key(file: Path | None, command: str, drop: bool) -> Secret | None:
    """Return the key of a file or of a command; None if there is none, and other keys are dropped.

    Raises EncryptionKeyUnreadable, also for none or two of them.
    """
    if not file and not command and drop:
        return None
    if bool(file) == bool(command):
        raise EncryptionKeyUnreadable("name the new key by either --file or --command")
    return key_in_file(file) if file else key_from_command(command)


def _required(key: Secret | None) -> Secret:
    if key is None:
        raise EncryptionKeyUnreadable("no encryption key is configured: set encryption_key_file")
    return key


@contextmanager
def _counted(database: Database, progress: Progress) -> Iterator[Callable[[int], None]]:
    with database.reading() as connection:
        total = int(connection.execute("SELECT count(*) FROM targets").fetchone()[0])
    yield lambda done: progress("targets", min(1.0, done / max(1, total)))
