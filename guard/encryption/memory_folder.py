"""Memory-backed folders: what is decrypted for the engine's workers lies there and on no disk."""

from __future__ import annotations

import os
from pathlib import Path

from guard.errors import BadSettings

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
MOUNTS = Path("/proc/self/mountinfo")


class NotMemoryBacked(BadSettings):
    """A folder that must be in memory is on a disk, or nobody can tell where it is."""

    code = "not_memory_backed"


def open_memory_folder(folder: Path, mounts: Path = MOUNTS) -> None:
    """Make the folder, for its owner alone, where it is missing.

    Raises NotMemoryBacked if it is not on a tmpfs or ramfs, cannot be made, or belongs to somebody else.
    """
    _refuse_disk(folder, mounts)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise NotMemoryBacked(f"the memory-backed folder {folder} cannot be made: {error.strerror}") from None
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise NotMemoryBacked(f"the memory-backed folder {folder} belongs to somebody else")
    # What stands there may be a mount of its own.
    _refuse_disk(folder, mounts)


def _refuse_disk(folder: Path, mounts: Path) -> None:
    kind = _file_system_of(folder, mounts)
    if kind not in _IN_MEMORY:
        raise NotMemoryBacked(
            f"{folder} is on {kind or 'an unknown file system'}, and decrypted policies may only be in memory: "
            "set memory_dir to a folder on a tmpfs"
        )


def _file_system_of(folder: Path, mounts: Path) -> str:
    """Return the kind of file system that a folder, or what there is of its parents, is on; "" if unknown."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    device = os.stat(existing).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    # ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS ... - KIND SOURCE OPTIONS
    found = [line for line in lines if line.split(" ", 3)[2:3] == [number]]
    return found[-1].partition(" - ")[2].split(" ")[0] if found else ""
