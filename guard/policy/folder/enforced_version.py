"""The version of the policy that was last enforced from a policy folder, so that an older registry is noticed."""

from __future__ import annotations

from pathlib import Path

from guard.errors import BadSettings, PolicyUnavailable
from guard.files import write_atomically

FILE_NAME = "version"


class RegistryRolledBack(BadSettings):
    """The registry is older than the policy that was enforced from the same data."""

    code = "registry_rolled_back"


def write_enforced_version(folder: Path, version: int) -> None:
    """Note that this version is enforced from `folder`. Raises PolicyUnavailable when it cannot be written."""
    path = folder / FILE_NAME
    try:
        if _read(path) != version:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, f"{version}\n", durable=True, private=True)
    except OSError as error:
        raise PolicyUnavailable("the policy folder cannot be written") from error


def refuse_rolled_back(folder: Path, version: int) -> None:
    """Raise RegistryRolledBack if a later version than the registry's `version` was enforced from `folder`.

    A registry that was copied without its write-ahead log lacks its newest targets: they would be spoken of again.
    """
    path = folder / FILE_NAME
    try:
        enforced = _read(path)
    except OSError as error:
        raise PolicyUnavailable("the policy folder cannot be read") from error
    if enforced > version:
        raise RegistryRolledBack(
            f"the registry is at version {version}, yet version {enforced} was enforced from {folder}: its newest "
            f"changes are lost. Use `lethe restore`, or remove {path} to go on without them"
        )


def _read(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return -1
