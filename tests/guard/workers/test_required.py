from __future__ import annotations

from pathlib import Path

import pytest

from guard.errors import PolicyUnavailable
from guard.workers.required import FILE_NAME, Required, RequiredFile, publish_required

ONE, OTHER = "1" * 64, "2" * 64


def test_what_is_required_is_polled_once(tmp_path: Path) -> None:
    file = RequiredFile(tmp_path)
    assert file.poll() is None
    publish_required(tmp_path, 7, [OTHER, ONE, OTHER])
    assert file.poll() == Required(7, (ONE, OTHER))
    assert file.poll() is None


def test_a_version_that_requires_the_same_is_published(tmp_path: Path) -> None:
    file = RequiredFile(tmp_path)
    for version in (7, 8):
        publish_required(tmp_path, version, [])
        assert file.poll() == Required(version, ())


@pytest.mark.parametrize("content", [b"", b"seven\n", b"7\nnot-a-digest\n", b"\xff\xfe"])
def test_a_damaged_file_is_an_error_until_it_is_repaired(tmp_path: Path, content: bytes) -> None:
    file = RequiredFile(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(content)
    for _ in range(2):
        with pytest.raises(PolicyUnavailable):
            file.poll()
    publish_required(tmp_path, 7, [ONE])
    assert file.poll() == Required(7, (ONE,))


def test_the_folder_is_made_where_it_is_missing(tmp_path: Path) -> None:
    publish_required(tmp_path / "data" / "policy", 7, [ONE])
    assert RequiredFile(tmp_path / "data" / "policy").poll() == Required(7, (ONE,))


def test_a_folder_that_cannot_be_made_or_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    with pytest.raises(PolicyUnavailable):
        publish_required(tmp_path / "a file", 7, [ONE])
