from __future__ import annotations

import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.files import atomic_file, atomic_folder, exclusive_lock, remove_partial, write_atomically


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files and folders that were forced to disk, in order."""
    names: list[str] = []

    def fsync(handle: int) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


@given(st.lists(st.binary(), min_size=1, max_size=4))
def test_the_file_holds_what_was_written_last_and_nothing_else_is_left(contents: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        for content in contents:
            write_atomically(path, content, durable=False, private=False)
            assert path.read_bytes() == content
        assert os.listdir(folder) == ["file"]


@given(st.one_of(st.none(), st.binary()), st.lists(st.binary(), max_size=4))
def test_a_write_that_fails_leaves_the_old_content_and_no_half_file(old: bytes | None, parts: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        if old is not None:
            path.write_bytes(old)

        def fail() -> None:
            with atomic_file(path, durable=True, private=False) as file:
                file.writelines(parts)
                file.flush()
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert {each.name: each.read_bytes() for each in Path(folder).iterdir()} == (
            {} if old is None else {"file": old}
        )


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError("refused")

    monkeypatch.setattr(os, failing, refuse)
    with pytest.raises(OSError, match="refused"):
        write_atomically(path, "new", durable=True, private=False)
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["file"])


def test_readers_see_the_old_content_until_the_new_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with atomic_file(path, durable=False, private=False) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_text_is_written_as_utf_8(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", "Ilsabet Quörne\r\n", durable=False, private=False)
    assert (tmp_path / "file").read_bytes() == "Ilsabet Quörne\r\n".encode()


def test_a_private_file_is_its_owners_alone_and_another_follows_the_umask(tmp_path: Path) -> None:
    with umask(0o022):
        write_atomically(tmp_path / "private", "", durable=False, private=True)
        write_atomically(tmp_path / "shared", "", durable=False, private=False)
    assert (mode(tmp_path / "private"), mode(tmp_path / "shared")) == (0o600, 0o644)


def test_a_private_file_is_private_before_it_is_complete(tmp_path: Path) -> None:
    with umask(0), atomic_file(tmp_path / "file", durable=False, private=True):
        (partial,) = tmp_path.iterdir()
        assert mode(partial) == 0o600


def test_a_durable_file_is_forced_to_disk_before_its_name_and_then_its_folder(
    tmp_path: Path, synced: list[str]
) -> None:
    write_atomically(tmp_path / "file", "", durable=False, private=False)
    assert synced == []
    write_atomically(tmp_path / "file", "", durable=True, private=False)
    assert (synced[0].startswith(".file."), synced[1:]) == (True, [tmp_path.name])


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with atomic_folder(path, durable=False) as partial:
        (partial / "weights").write_text("whole")
        assert not path.exists()
    assert (os.listdir(tmp_path), (path / "weights").read_text()) == (["model"], "whole")


def test_a_folder_whose_filling_fails_is_removed(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_folder(tmp_path / "model", durable=True) as partial:
            (partial / "weights").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("old")
    with pytest.raises(OSError, match="not empty"), atomic_folder(tmp_path / "model", durable=False) as partial:
        (partial / "weights").write_text("new")
    assert (os.listdir(tmp_path), (tmp_path / "model" / "weights").read_text()) == (["model"], "old")


def test_a_durable_folder_is_forced_to_disk_with_its_files(tmp_path: Path, synced: list[str]) -> None:
    with atomic_folder(tmp_path / "model", durable=True) as partial:
        (partial / "weights").write_text("whole")
        assert synced == []
    assert (synced[0], synced[1].startswith(".model."), synced[2:]) == ("weights", True, [tmp_path.name])


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".model.0123.partial").mkdir()
    (tmp_path / ".model.0123.partial" / "weights").write_text("half")
    (tmp_path / ".file.4567.partial").write_text("half")
    (tmp_path / "file.partial").write_text("of somebody else")
    (tmp_path / ".lock").write_text("")
    remove_partial(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".lock", "file.partial"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with exclusive_lock(tmp_path / "lock"):
            order.append("second")

    with exclusive_lock(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
