"""A PostgreSQL cluster of the tests' own, on a socket in a temporary folder, and a schema of it for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from guard.registry.database import PostgresUrl

# Nothing of a test need survive a power cut, only a crash.
_FAST = ("fsync=off", "full_page_writes=off", "listen_addresses=", "autovacuum=off")
_START_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster. PostgreSQL does not run as root, so that its processes belong to `user` then."""

    folder: Path
    binaries: Path
    user: str | None
    _numbers: Iterator[int] = field(default_factory=count)

    def schema(self) -> PostgresUrl:
        """Return the URL of a new, empty schema."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return PostgresUrl(f"{self.url()}&options=-csearch_path%3D{name}")

    def url(self) -> str:
        return f"postgresql:///postgres?user=lethe&host={self.folder}"

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in _FAST)
        self._control("-l", str(self.folder / "log"), "-o", f"{options} -k {self.folder}", "start")

    def stop(self) -> None:
        """Stop as a crash does, if it runs."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._control("-m", "immediate", "stop")

    def promote(self) -> None:
        """Have a standby take over."""
        self._control("promote")

    def set(self, setting: str) -> None:
        """Change a setting of the running cluster, such as `work_mem = '1MB'`."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")

    @contextmanager
    def standby(self) -> Iterator[Cluster]:
        """Start a standby, without whose word the cluster commits nothing."""
        with _folder(self.user) as folder:
            copy = [
                str(self.binaries / "pg_basebackup"),
                "-D",
                str(folder / "data"),
                "-R",
                "-c",
                "fast",
                "--no-sync",
            ]
            copy += ["-h", str(self.folder), "-U", "lethe"]
            subprocess.run(copy, check=True, user=self.user, cwd=folder, timeout=_START_TIMEOUT_S)
            started = Cluster(folder, self.binaries, self.user)
            started.start()
            try:
                self.set("synchronous_standby_names = '*'")
                # What is committed can be read at the standby.
                self.set("synchronous_commit = remote_apply")
                yield started
            finally:
                started.stop()

    def _control(self, *arguments: str) -> None:
        command = [str(self.binaries / "pg_ctl"), "-D", str(self.folder / "data"), "-s", "-w", *arguments]
        subprocess.run(command, check=True, user=self.user, cwd=self.folder, timeout=_START_TIMEOUT_S)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a cluster and stop it; skip the test where PostgreSQL is not installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    user = "postgres" if os.geteuid() == 0 else None
    with _folder(user) as folder:
        initdb = [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", "lethe", "-A", "trust", "-E", "UTF8"]
        initdb += ["--locale=C.UTF-8", "--no-sync"]
        subprocess.run(initdb, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        started = Cluster(folder, binaries, user)
        started.start()
        try:
            yield started
        finally:
            started.stop()


@contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    # Not pytest's own folder: the path of a socket has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="lethe-pg-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        yield folder
    finally:
        shutil.rmtree(folder)


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    path = found[-1] if found else shutil.which("initdb")
    return Path(path).resolve().parent if path else None
