from __future__ import annotations

import os
from pathlib import Path

import pytest

from guard.encryption.memory_folder import NotMemoryBacked, open_memory_folder


def mounts_of(tmp_path: Path, kind: str) -> Path:
    """Return a mount table in which the file system of `tmp_path` is of this kind."""
    device = os.stat(tmp_path).st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "21 1 0:9999 / /proc rw,relatime - proc proc rw\n"
        f"36 35 {os.major(device)}:{os.minor(device)} / /somewhere rw,noatime shared:1 - {kind} none rw\n"
    )
    return mounts


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs"])
def test_a_folder_in_memory_is_made_for_its_owner_alone(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "made" / "here"
    open_memory_folder(folder, mounts_of(tmp_path, kind))
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    open_memory_folder(folder, mounts_of(tmp_path, kind))
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["ext4", "overlay", "xfs", "nfs4", "fuse.sshfs", "hugetlbfs"])
def test_a_folder_on_a_disk_is_refused_and_not_made(tmp_path: Path, kind: str) -> None:
    with pytest.raises(NotMemoryBacked, match=kind):
        open_memory_folder(tmp_path / "folder", mounts_of(tmp_path, kind))
    assert not (tmp_path / "folder").exists()


def test_where_nobody_can_tell_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotMemoryBacked, match="unknown"):
        open_memory_folder(tmp_path / "folder", tmp_path / "missing")
    mounts = tmp_path / "mountinfo"
    mounts.write_text("21 1 0:9999 / /proc rw - proc proc rw\n\n")
    with pytest.raises(NotMemoryBacked, match="unknown"):
        open_memory_folder(tmp_path / "folder", mounts)


def test_a_link_to_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotMemoryBacked):
        open_memory_folder(tmp_path / "link", mounts_of(tmp_path, "tmpfs"))
