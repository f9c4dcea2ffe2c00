from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guard.errors import BadSettings
from serving.data_folder import LOCK_NAME, DataFolderInUse, owned

OWNER = """
import os, sys
from pathlib import Path
from serving.data_folder import owned
with owned(Path(sys.argv[1])):
    if os.fork():
        print("held", flush=True)
        input()
        os._exit(9)
    sys.stdin.close()
    os.read(int(sys.argv[2]), 1)
"""


@contextmanager
def other_owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that holds `folder` until it reads a line; a process that it forked lives until the end."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", OWNER, str(folder), str(reading)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, pass_fds=[reading]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            os.close(writing)
            os.close(reading)
            process.kill()


def test_a_second_owner_is_refused_and_told_the_process(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with other_owner(folder) as process:
        for _ in range(2):
            with pytest.raises(DataFolderInUse, match=rf"{folder} .* process {process.pid};"), owned(folder):
                raise AssertionError


def test_a_folder_is_free_when_its_owner_was_killed_though_a_child_of_it_lives(tmp_path: Path) -> None:
    with other_owner(tmp_path) as process:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(60) == 9
        with owned(tmp_path):
            assert (tmp_path / LOCK_NAME).read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_made_is_a_setting_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    with pytest.raises(BadSettings, match=f"data folder {folder} cannot be written: "), owned(folder):
        raise AssertionError
