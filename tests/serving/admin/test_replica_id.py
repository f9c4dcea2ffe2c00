"""A server keeps its place on the list of replicas when it starts again, and a copy of its folder has another."""

from __future__ import annotations

from pathlib import Path

from serving.admin.replicas import _id_of


def test_a_server_that_starts_again_has_the_same_id(tmp_path: Path) -> None:
    path = tmp_path / "replica"
    assert _id_of(path, "host-a:8000") == _id_of(path, "host-a:8000")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_was_copied_or_damaged_gets_another(tmp_path: Path) -> None:
    path = tmp_path / "replica"
    first = _id_of(path, "host-a:8000")
    second = _id_of(path, "host-b:8000")
    assert second != first
    assert _id_of(path, "host-b:8000") == second
    for content in (b"", b"one", b"\xff\xfe", b"a b c"):
        path.write_bytes(content)
        third = _id_of(path, "host-b:8000")
        assert third not in (first, second)
        assert _id_of(path, "host-b:8000") == third


def test_a_folder_that_cannot_be_written_stops_no_server(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "replica"
    assert _id_of(missing, "host-a:8000") != _id_of(missing, "host-a:8000")
