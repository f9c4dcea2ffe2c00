from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from guard.registry import copying
from guard.registry.approval.proposed import Person
from guard.registry.approval.rule import Approval
from guard.registry.copying import CopyRefused, copy
from guard.registry.database import Location
from guard.registry.keys.key import Audience, KeyDraft
from guard.registry.registry import Registry
from guard.targets.target import Draft
from tests.guard.registry.test_elicitations import SAID
from tests.guard.registry.test_registry import ADA
from tests.postgresql import Cluster


@pytest.fixture
def filled(registry: Registry) -> Registry:
    """A registry in SQLite and in PostgreSQL, with rows in every table."""
    ada, bo, cy, _ = registry.add_many([ADA, *(Draft(name=f"{name} Quill") for name in ("Bo", "Cy", "Dee"))])
    registry.keep_vectors("minilm", {(ada.id, 1): b"\0\1\2\3", (cy.id, 1): b"\xff" * 8})
    registry.keep_vectors("Other", {(cy.id, 1): b"1111"})
    registry.elicitations.keep(ada.id, SAID)
    registry.elicitations.begin(cy.id)
    registry.change(cy.id, replace(cy.draft, basis="court"), 1)
    registry.keep_vectors("minilm", {(cy.id, 2): b"2222"})
    registry.revoke(bo.id)
    for name in ("dashboard", "chat", "night"):
        registry.keys.create(KeyDraft(name=name, audience=Audience.CLIENT))
    registry.approvals.rule.write(Approval.FOUR_EYES)
    registry.approvals.propose(cy.id, replace(cy.draft, basis="appeal"), 2, Person("key_1", "anne"))
    return registry


def all_of(location: Location) -> tuple[object, ...]:
    with closing(Registry(location)) as registry:
        ids = [target.id for target in registry.active()]
        return (
            registry.snapshot(),
            registry.list(limit=1000),
            registry.events(limit=1000),
            registry.first_broken_event(),
            registry.vectors("minilm"),
            registry.keys.list(),
            registry.keys.events(),
            [(registry.elicitations.get(id), registry.elicitations.is_open(id)) for id in ids],
            registry.approvals.changes(ids),
        )


def test_a_registry_is_the_same_in_the_other_database_and_back(
    filled: Registry, location: Location, postgres: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH_ROWS", 2)
    other: Location = postgres.schema() if isinstance(location, Path) else tmp_path / "other.db"
    back: Location = tmp_path / "back.db" if isinstance(location, Path) else postgres.schema()
    there = copy(location, other)
    assert copy(other, back) == there
    assert (there.version, there.targets, there.events) == (3, 4, 8)
    assert all_of(location) == all_of(other) == all_of(back)


def test_the_copy_goes_on_where_the_original_stopped(
    filled: Registry, location: Location, postgres: Cluster
) -> None:
    other = postgres.schema()
    copy(location, other)
    with closing(Registry(other)) as registry:
        new = registry.add(Draft(name="Eve Quill"))
        assert registry.list(limit=10).items[-1] == new
        assert (registry.version(), registry.events(limit=100)[-1].seq) == (4, 9)
        assert registry.first_broken_event() is None


def test_a_database_that_has_a_registry_is_not_copied_to(
    filled: Registry, location: Location, tmp_path: Path
) -> None:
    with closing(Registry(tmp_path / "other.db")) as other:
        kept = other.add(Draft(name="Somebody Else"))
        with pytest.raises(CopyRefused, match="already"):
            copy(location, tmp_path / "other.db")
        assert other.active() == [kept]


def test_a_registry_whose_trail_was_altered_is_not_copied(
    filled: Registry, location: Location, alter: Callable[..., None], tmp_path: Path
) -> None:
    alter("UPDATE events SET action = 'revoked' WHERE seq = 2")
    with pytest.raises(CopyRefused, match="broken at event 2"):
        copy(location, tmp_path / "other.db")
    with closing(Registry(tmp_path / "other.db")) as other:
        assert (other.version(), other.list().items, other.events()) == (0, [], [])


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE key_events SET actor = 'somebody' WHERE seq = 2", 2),
        ("DELETE FROM key_events WHERE seq = 1", 1),
        ("UPDATE key_events SET digest = DIGEST WHERE seq = 3", 3),
    ],
)
def test_a_registry_whose_trail_of_keys_was_altered_is_not_copied(
    statement: str, seq: int, filled: Registry, location: Location, alter: Callable[..., None], tmp_path: Path
) -> None:
    alter(statement.replace("DIGEST", f"'{'0' * 64}'"))
    with pytest.raises(CopyRefused, match=f"keys is broken at event {seq}"):
        copy(location, tmp_path / "other.db")
    with closing(Registry(tmp_path / "other.db")) as other:
        assert (other.keys.list(), other.keys.events().events) == ([], [])


def test_a_file_that_is_missing_is_not_made_to_be_copied(tmp_path: Path) -> None:
    with pytest.raises(CopyRefused, match="no registry"):
        copy(tmp_path / "missing.db", tmp_path / "other.db")
    assert list(tmp_path.iterdir()) == []
