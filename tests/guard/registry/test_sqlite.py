"""What holds of a registry in a SQLite file alone; what holds of every registry: test_registry.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from guard.errors import StoreUnavailable, UnknownTarget
from guard.registry.registry import Registry
from guard.targets.target import Draft, State
from tests.guard.registry.test_elicitations import SAID
from tests.guard.registry.test_registry import ADA, SOON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def location(path: Path) -> Path:
    return path


def stored_bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


@pytest.mark.parametrize("ends", [lambda r, id: r.revoke(id), lambda r, id: r.expire(SOON)])
def test_what_a_model_says_of_a_target_is_erased_with_it(
    registry: Registry, path: Path, ends: Callable[[Registry, str], object]
) -> None:
    target = registry.add(ADA)
    registry.elicitations.keep(target.id, SAID)
    assert b"heron" in stored_bytes(path)
    ends(registry, target.id)
    assert b"heron" not in stored_bytes(path)
    for call in (
        lambda: registry.elicitations.get(target.id),
        lambda: registry.elicitations.keep(target.id, SAID),
    ):
        with pytest.raises(UnknownTarget):
            call()


def test_revocation_erases_every_text_and_keeps_the_record(registry: Registry, path: Path) -> None:
    target = registry.add(ADA)
    registry.keep_vectors("minilm", {(target.id, 1): b"\1\2\3\4VECTOR"})
    assert b"Quillfeather" in stored_bytes(path)
    ended = registry.revoke(target.id, 1)
    assert ended == registry.get(target.id)
    assert (ended.state, ended.revision, ended.forbidden) == (State.REVOKED, 2, ())
    kept = Draft(
        name="",
        kind=ADA.kind,
        methods=ADA.methods,
        scope=ADA.scope,
        mode=ADA.mode,
        expires_at=SOON,
        basis="gdpr_art17",
        external_ref="T-1",
    )
    assert ended.draft == kept
    assert registry.active() == []
    left = stored_bytes(path)
    for text in (b"uillfeather", b"Glass Orchard", b"Mothwick", b"Ada Lark", b"of glass that year", b"VECTOR"):
        assert text not in left


def test_the_file_is_its_owners_alone(registry: Registry, path: Path) -> None:
    registry.add(ADA)
    assert {file.stat().st_mode & 0o777 for file in path.parent.glob(f"{path.name}*")} == {0o600}


def test_a_file_that_is_no_database_is_refused_and_kept(path: Path) -> None:
    path.write_bytes(b"not a database, but somebody's notes" * 100)
    with pytest.raises(StoreUnavailable, match="SQLITE_NOTADB"):
        Registry(path)
    assert path.read_bytes().startswith(b"not a database")


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (title)")
    other.close()
    with pytest.raises(StoreUnavailable, match="another program"):
        Registry(path)


def test_a_path_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        Registry(tmp_path)
    with pytest.raises(StoreUnavailable):
        Registry(tmp_path / "missing" / "registry.db")


def test_a_database_without_its_tables_is_unavailable(registry: Registry, path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("DROP TABLE targets")
    other.close()
    for call in (registry.active, lambda: registry.add(ADA), lambda: registry.expire(SOON)):
        with pytest.raises(StoreUnavailable, match="SQLITE_ERROR"):
            call()
