from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from eval.core.errors import BadRun
from eval.harness.atomic_file import write_result


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "below" / "report.md"
    write_result(path, "one")
    write_result(path, "two")
    assert (path.read_text(), [each.name for each in path.parent.iterdir()]) == ("two", ["report.md"])


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.md"
    write_result(path, "one")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(BadRun, match="No space left on device"):
        write_result(path, "two")
    assert path.read_text() == "one"
