from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from guard.errors import StoreUnavailable
from guard.registry import migrations, postgresql_schema
from guard.registry.migrations import MIGRATIONS, migrate
from guard.registry.registry import Registry
from guard.targets.target import Draft
from guard.variants.variant import Variants


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "registry.db", isolation_level=None)
    yield connection
    connection.close()


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]


def test_a_new_database_gets_every_step_once(connection: sqlite3.Connection) -> None:
    migrate(connection)
    migrate(connection)
    assert names(connection) == sorted(step.__name__ for step in MIGRATIONS)


def test_an_older_database_gets_the_steps_it_lacks(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:2])
    migrate(connection)
    assert len(names(connection)) == 2
    monkeypatch.undo()
    migrate(connection)
    assert len(names(connection)) == len(MIGRATIONS)


def test_steps_stand_in_the_order_of_their_names() -> None:
    sqlite = [step.__name__ for step in MIGRATIONS]
    assert sqlite == sorted(sqlite)
    assert list(postgresql_schema.MIGRATIONS) == sorted(postgresql_schema.MIGRATIONS)


def test_a_step_that_fails_leaves_the_database_as_it_was(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def m999_fails(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (made)")
        raise RuntimeError

    monkeypatch.setattr(migrations, "MIGRATIONS", [*MIGRATIONS, m999_fails])
    with pytest.raises(RuntimeError):
        migrate(connection)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_newer_database_is_refused(connection: sqlite3.Connection) -> None:
    migrate(connection)
    connection.execute("INSERT INTO migrations VALUES ('m900_from_the_future', '2040-01-01')")
    with pytest.raises(StoreUnavailable, match="newer version"):
        migrate(connection)


def test_the_database_of_another_program_is_refused_and_left_alone(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE recipes (title)")
    with pytest.raises(StoreUnavailable, match="another program"):
        migrate(connection)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    assert connection.execute("PRAGMA application_id").fetchone() == (0,)


def test_audit_events_can_neither_be_changed_nor_deleted(connection: sqlite3.Connection) -> None:
    migrate(connection)
    connection.execute(
        """INSERT INTO targets
             (seq, id, kind, folded_name, state, revision, draft, forbidden, created_at, updated_at)
           VALUES (1, 'ft_1', 'person', '', 'active', 1, '{}', '[]', '', '')"""
    )
    connection.execute("INSERT INTO events VALUES (1, '', 'added', 'ft_1', 1, 1, 'admin', '', '')")
    for statement in ("UPDATE events SET action = 'revoked'", "DELETE FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)


def test_targets_stored_before_variants_get_close_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        monkeypatch.setattr(migrations, "MIGRATIONS", [step for step in MIGRATIONS if step.__name__ < "m008"])
        migrate(connection)
        members = asdict(Draft(name="Joan Miller"))
        del members["variants"], members["patterns"]
        connection.execute(
            "INSERT INTO targets VALUES (1, 'ft_1', 'person', 'joanmiller', 'active', 1, ?, '[]', NULL, ?, ?)",
            (json.dumps(members), *["2026-01-01T00:00:00+00:00"] * 2),
        )
    monkeypatch.undo()
    (target,) = Registry(path).active()
    assert target.draft.variants is Variants.CLOSE
    assert "Miller, Joan" in target.variants


def test_stored_names_are_folded_again_and_two_that_fold_alike_by_now_stay(
    tmp_path: Path,
) -> None:
    path = tmp_path / "registry.db"
    Registry(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM migrations WHERE name = 'm010_folded_names'")
        for seq, (name, folded) in enumerate([("張偉國", "張偉國"), ("张伟国", "张伟国"), ("유나", "ᄋ")], 1):
            row = (
                seq,
                f"ft_{seq}",
                folded,
                json.dumps(asdict(Draft(name=name))),
                *["2026-01-01T00:00:00+00:00"] * 2,
            )
            connection.execute(
                """INSERT INTO targets
                     (seq, id, kind, folded_name, state, revision, draft, forbidden, created_at, updated_at)
                   VALUES (?, ?, 'person', ?, 'active', 1, ?, '[]', ?, ?)""",
                row,
            )
        migrate(connection)
        folded = [name for (name,) in connection.execute("SELECT folded_name FROM targets ORDER BY seq")]
    assert folded == ["張偉國", "张伟国", "유나"]
