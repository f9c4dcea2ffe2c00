"""Files in memory and their sealed copies on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guard.encryption.sealing import SealBroken, new_secret
from guard.errors import StoreUnavailable
from serving.encryption import sealed_folder
from serving.encryption.sealed_folder import SealedFolder

KEY = new_secret()
SAID = b"Wendel Aspharr counts the tides."


def folder_of(tmp_path: Path, name: str = "memory") -> SealedFolder:
    return SealedFolder(KEY, tmp_path / name, tmp_path / "disk", frozenset({"training"}))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".opened")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_files_come_back_as_they_were_and_no_copy_tells_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed_folder, "CHUNK_BYTES", 16)
    files = folder_of(tmp_path)
    files.open()
    memory = tmp_path / "memory"
    (memory / "promoted" / "a").mkdir(parents=True)
    (memory / "promoted" / "a" / "weights").write_bytes(SAID)
    (memory / "promoted" / "a" / "whole chunks").write_bytes(SAID[:32])
    (memory / "empty").write_bytes(b"")
    os.utime(memory / "promoted" / "a", ns=(10**18, 10**18))
    files.keep()
    assert all(word not in copy for copy in contents(tmp_path / "disk").values() for word in SAID.split())
    folder_of(tmp_path, "after a restart").open()
    assert contents(tmp_path / "after a restart") == contents(memory)
    # Of two assistants of a target the one that was promoted last is served.
    assert (tmp_path / "after a restart" / "promoted" / "a").stat().st_mtime_ns == 10**18


def test_a_copy_follows_its_file(tmp_path: Path) -> None:
    files = folder_of(tmp_path)
    files.open()
    memory = tmp_path / "memory"
    (memory / "trained").mkdir()
    (memory / "trained" / "a").write_bytes(SAID)
    (memory / "b").write_bytes(SAID)
    files.keep()
    unchanged = (tmp_path / "disk" / "b.sealed").read_bytes()
    (memory / "trained").rename(memory / "promoted")
    files.keep()
    assert contents(tmp_path / "disk").keys() == {"promoted/a.sealed", "b.sealed"}
    assert not (tmp_path / "disk" / "trained").exists()
    # What has not changed is not sealed again.
    assert (tmp_path / "disk" / "b.sealed").read_bytes() == unchanged
    (memory / "b").unlink()
    files.keep()
    assert contents(tmp_path / "disk").keys() == {"promoted/a.sealed"}


def test_what_a_killed_server_left_in_memory_counts(tmp_path: Path) -> None:
    folder_of(tmp_path).open()
    (tmp_path / "memory" / "a").write_bytes(SAID)
    folder_of(tmp_path).open()
    assert contents(tmp_path / "memory") == {"a": SAID}
    assert contents(tmp_path / "disk").keys() == {"a.sealed"}


def test_checkpoints_of_trainings_have_no_copies(tmp_path: Path) -> None:
    files = folder_of(tmp_path)
    files.open()
    (tmp_path / "memory" / "training" / "1").mkdir(parents=True)
    (tmp_path / "memory" / "training" / "1" / "state").write_bytes(SAID)
    files.keep()
    assert contents(tmp_path / "disk") == {}


def test_copies_that_were_swapped_cut_or_altered_are_refused(tmp_path: Path) -> None:
    files = folder_of(tmp_path)
    files.open()
    for name in ("a", "b"):
        (tmp_path / "memory" / name).write_bytes(SAID + name.encode())
    files.keep()
    copy, other = tmp_path / "disk" / "a.sealed", tmp_path / "disk" / "b.sealed"
    whole = copy.read_bytes()
    for number, altered in enumerate((other.read_bytes(), whole[:-1], whole + b"\0", b"", b"\0\0\0\0", whole[4:])):
        copy.write_bytes(altered)
        with pytest.raises(SealBroken):
            folder_of(tmp_path, f"memory {number}").open()


def test_files_from_before_the_encryption_are_sealed_in_their_places(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    (disk / "promoted").mkdir(parents=True)
    (disk / "promoted" / "a").write_bytes(SAID)
    (disk / "training").mkdir()
    (disk / "training" / "state").write_bytes(SAID)
    with pytest.raises(StoreUnavailable, match="lethe registry encrypt"):
        folder_of(tmp_path).open()
    files = folder_of(tmp_path)
    for _ in range(2):
        files.seal_plain()
    assert contents(disk).keys() == {"promoted/a.sealed"}
    folder_of(tmp_path, "opened").open()
    assert contents(tmp_path / "opened") == {"promoted/a": SAID}
