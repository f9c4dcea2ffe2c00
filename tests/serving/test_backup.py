from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from guard.errors import BadSettings
from guard.policy.folder.enforced_version import (
    FILE_NAME,
    RegistryRolledBack,
    refuse_rolled_back,
    write_enforced_version,
)
from guard.policy.plan import PlanKind
from guard.registry.database import PostgresUrl
from guard.registry.registry import Registry
from guard.targets.target import Draft, Mode
from serving.backup import BackupFailed, backup, restore
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import Verdict, VerdictLog


def names(folder: Path) -> list[str]:
    registry = Registry(folder / "lethe.db")
    try:
        return [target.draft.name for target in registry.active()]
    finally:
        registry.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_a_backup_beside_a_running_server_holds_the_newest_changes_and_can_be_restored(
    tmp_path: Path, data: Path
) -> None:
    registry = Registry(data / "lethe.db")
    for name in ("Ada Quill", "Bo Quill"):
        registry.add(Draft(name=name))
    verdicts = VerdictLog(data / "verdicts.db", Metrics())
    verdicts.add([Verdict(time.time(), "r1", "ft_1", 1, 0.9, {}, PlanKind.RESTRICT, Mode.ENFORCE)])
    verdicts.flush()
    held = backup(data / "lethe.db", data, tmp_path / "saved" / "monday")
    assert held == (2, 2)
    registry.add(Draft(name="Cy Quill"))
    registry.close()
    write_enforced_version(data / "policy", 3)
    assert restore(tmp_path / "saved" / "monday", data / "lethe.db", data) == held
    assert names(data) == ["Ada Quill", "Bo Quill"]
    assert len(VerdictLog(data / "verdicts.db", Metrics()).page().items) == 1
    refuse_rolled_back(data / "policy", 2)


def test_a_backup_is_whole_files_that_only_their_owner_reads(tmp_path: Path, data: Path) -> None:
    Registry(data / "lethe.db").add(Draft(name="Ada Quill"))
    backup(data / "lethe.db", data, tmp_path / "saved")
    assert os.listdir(tmp_path / "saved") == ["lethe.db"]
    assert (tmp_path / "saved").stat().st_mode & 0o077 == 0
    assert (tmp_path / "saved" / "lethe.db").stat().st_mode & 0o077 == 0
    # One file is enough, whatever it is copied with.
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "saved" / "lethe.db", tmp_path / "copy")
    assert names(tmp_path / "copy") == ["Ada Quill"]


def test_what_was_logged_and_not_folded_in_does_not_outlive_a_restore(tmp_path: Path, data: Path) -> None:
    Registry(data / "lethe.db").add(Draft(name="Ada Quill"))
    backup(data / "lethe.db", data, tmp_path / "saved")
    left = Registry(data / "lethe.db")
    left.add(Draft(name="Bo Quill"))
    assert (data / "lethe.db-wal").stat().st_size > 0
    restore(tmp_path / "saved", data / "lethe.db", data)
    assert names(data) == ["Ada Quill"]
    left.close()


@pytest.mark.parametrize("content", [b"", b"this is not a database" * 400])
def test_nothing_is_replaced_by_a_backup_that_is_none(tmp_path: Path, data: Path, content: bytes) -> None:
    registry = Registry(data / "lethe.db")
    registry.add(Draft(name="Ada Quill"))
    registry.close()
    (tmp_path / "saved").mkdir()
    with pytest.raises(BackupFailed, match=r"no lethe\.db"):
        restore(tmp_path / "saved", data / "lethe.db", data)
    (tmp_path / "saved" / "lethe.db").write_bytes(content)
    with pytest.raises(BackupFailed):
        restore(tmp_path / "saved", data / "lethe.db", data)
    assert names(data) == ["Ada Quill"]


def test_a_backup_over_another_or_of_nothing_is_refused(tmp_path: Path, data: Path) -> None:
    with pytest.raises(BackupFailed, match=r"no lethe\.db"):
        backup(data / "lethe.db", data, tmp_path / "saved")
    Registry(data / "lethe.db").add(Draft(name="Ada Quill"))
    backup(data / "lethe.db", data, tmp_path / "saved")
    with pytest.raises(BackupFailed):
        backup(data / "lethe.db", data, tmp_path / "saved")


def test_a_copy_without_its_log_is_noticed_by_the_version_that_was_enforced(data: Path, tmp_path: Path) -> None:
    registry = Registry(data / "lethe.db")
    registry.add(Draft(name="Ada Quill"))
    with closing(sqlite3.connect(data / "lethe.db")) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    registry.add(Draft(name="Bo Quill"))
    write_enforced_version(data / "policy", registry.version())
    shutil.copy(data / "lethe.db", tmp_path / "copy.db")
    registry.close()
    copied = Registry(tmp_path / "copy.db")
    with pytest.raises(RegistryRolledBack, match=f"version 1, yet version 2 .*{FILE_NAME}"):
        refuse_rolled_back(data / "policy", copied.version())
    copied.close()
    assert issubclass(RegistryRolledBack, BadSettings)


@pytest.mark.parametrize("version", [2, 3])
def test_a_registry_that_is_as_new_as_what_was_enforced_is_served(tmp_path: Path, version: int) -> None:
    refuse_rolled_back(tmp_path / "policy", version)
    write_enforced_version(tmp_path / "policy", 2)
    refuse_rolled_back(tmp_path / "policy", version)


def test_a_registry_that_is_elsewhere_is_copied_and_restored_there(tmp_path: Path, data: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    registry = Registry(elsewhere)
    registry.add(Draft(name="Ada Quill"))
    held = backup(elsewhere, data, tmp_path / "saved")
    registry.add(Draft(name="Bo Quill"))
    registry.close()
    assert restore(tmp_path / "saved", elsewhere, data) == held == (1, 1)
    assert os.listdir(data) == []
    restored = Registry(elsewhere)
    assert restored.version() == 1
    restored.close()


def test_a_registry_in_postgresql_is_left_to_its_own_tools(tmp_path: Path, data: Path) -> None:
    url = PostgresUrl("postgresql://db/lethe")
    for call in (lambda: backup(url, data, tmp_path / "saved"), lambda: restore(tmp_path / "saved", url, data)):
        with pytest.raises(BackupFailed, match="pg_dump"):
            call()
