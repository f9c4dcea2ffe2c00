"""Opens what a server stores: its registry, and the folders that it decrypts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from guard.encryption.sealing import Secret
from guard.policy.folder.enforced_version import refuse_rolled_back
from guard.registry.database import Location
from guard.registry.registry import Registry
from serving.encryption.folders import ServerFolders, opened_folders


class StoreSettings(ServerFolders, Protocol):
    """The settings of a server that say where and how it stores."""

    @property
    def engine(self) -> str: ...

    @property
    def policy_dir(self) -> Path: ...

    @property
    def registry(self) -> Location: ...

    def wrapping_key(self) -> Secret | None: ...


class Store(NamedTuple):
    """The registry, its key, where the enforced version is remembered, and what seals changed files."""

    registry: Registry
    key: Secret | None
    version_dir: Path
    keep: Callable[[], None]


@contextmanager
def opened_store(settings: StoreSettings) -> Iterator[Store]:
    """Open the registry and the folders of a server; close them, and remove what was decrypted, at the end.

    Raises EncryptionKeyUnreadable, NotMemoryBacked, RegistryRolledBack and StoreUnavailable; a missing key and a
    wrong one are kinds of that.
    """
    version_dir = settings.data_dir / "policy"
    version_dir.mkdir(parents=True, exist_ok=True)
    key = settings.wrapping_key()
    with closing(Registry(settings.registry, key)) as registry:
        refuse_rolled_back(version_dir, registry.version())
        with opened_folders(settings, registry.files_key(), remains=bool(settings.engine)) as keep:
            settings.policy_dir.mkdir(parents=True, exist_ok=True)
            yield Store(registry, key, version_dir, keep)
