from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guard.errors import StoreUnavailable
from guard.registry import migrations, postgresql_schema
from guard.registry.approval.rule import Approval
from guard.registry.copying import copy
from guard.registry.database import Location
from guard.registry.keys.key import Audience, KeyDraft, KeyState, Role, hashed
from guard.registry.keys.keyring import Keyring
from guard.registry.keys.store import DuplicateKey, InvalidKey, UnknownKey
from guard.registry.registry import Registry
from guard.targets.audit_log import acting_as
from guard.targets.target import Draft

READER = KeyDraft(name="dashboard", audience=Audience.ADMIN, role=Role.READER)
CLIENT = KeyDraft(name="chat", audience=Audience.CLIENT, tags=("eu",), models=("m",), requests_per_minute=60)


@pytest.mark.parametrize("draft", [READER, CLIENT])
def test_a_key_is_accepted_for_its_audience_alone(registry: Registry, draft: KeyDraft) -> None:
    new = registry.keys.create(draft)
    ring = Keyring(registry.keys)
    found = ring.find(new.secret, draft.audience)
    assert found is not None
    assert found.draft == draft
    assert new.secret.startswith(f"lethe_{draft.audience}_")
    (other,) = set(Audience) - {draft.audience}
    assert ring.find(new.secret, other) is None
    assert ring.find(new.secret[:-1], draft.audience) is None
    assert ring.find(hashed(new.secret), draft.audience) is None


def test_what_is_created_rotated_and_revoked_elsewhere_is_followed(location: Location) -> None:
    with closing(Registry(location)) as one, closing(Registry(location)) as other:
        ring = Keyring(other.keys)
        new = one.keys.create(READER)
        assert ring.find(new.secret, Audience.ADMIN) is None
        ring.refresh()
        assert ring.find(new.secret, Audience.ADMIN) is not None
        one.keys.revoke(new.key.id)
        ring.refresh()
        assert ring.find(new.secret, Audience.ADMIN) is None
        assert ring.accepted(new.key.id) is None


def test_a_rotated_key_is_accepted_by_both_secrets_for_the_overlap(registry: Registry) -> None:
    first = registry.keys.create(READER)
    second = registry.keys.rotate(first.key.id, 3600)
    third = registry.keys.rotate(first.key.id, 0)
    ring = Keyring(registry.keys)
    accepted = [ring.find(new.secret, Audience.ADMIN) is not None for new in (first, second, third)]
    assert accepted == [False, False, True]
    fourth = registry.keys.rotate(first.key.id, 60)
    ring.refresh()
    assert all(ring.find(new.secret, Audience.ADMIN) for new in (third, fourth))


def test_a_shorter_overlap_ends_what_a_longer_one_had_left(registry: Registry) -> None:
    first = registry.keys.create(READER)
    registry.keys.rotate(first.key.id, 3600)
    registry.keys.rotate(first.key.id, 0)
    assert Keyring(registry.keys).find(first.secret, Audience.ADMIN) is None


def test_an_expired_key_is_refused_and_cannot_be_rotated(registry: Registry) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.05)
    new = registry.keys.create(KeyDraft(name="soon", audience=Audience.ADMIN, role=Role.EDITOR, expires_at=soon))
    ring = Keyring(registry.keys)
    while datetime.now(UTC) <= soon:
        pass
    assert ring.find(new.secret, Audience.ADMIN) is None
    assert new.key.state(datetime.now(UTC)) is KeyState.EXPIRED
    with pytest.raises(UnknownKey):
        registry.keys.rotate(new.key.id, 0)


def test_a_revoked_key_stays_on_the_list_and_frees_its_name(registry: Registry) -> None:
    new = registry.keys.create(READER)
    with pytest.raises(DuplicateKey):
        registry.keys.create(READER)
    registry.keys.revoke(new.key.id)
    again = registry.keys.create(READER)
    states = [(key.id, key.state(datetime.now(UTC))) for key in registry.keys.list()]
    assert states == [(new.key.id, KeyState.REVOKED), (again.key.id, KeyState.ACTIVE)]
    for ended in (new.key.id, "ak_none"):
        with pytest.raises(UnknownKey):
            registry.keys.revoke(ended)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (KeyDraft(name=" ", audience=Audience.CLIENT), "name"),
        (KeyDraft(name="a\nb", audience=Audience.CLIENT), "name"),
        (KeyDraft(name="a" * 129, audience=Audience.CLIENT), "name"),
        (KeyDraft(name="a", audience=Audience.ADMIN), "role"),
        (KeyDraft(name="a", audience=Audience.CLIENT, role=Role.READER), "role"),
        (KeyDraft(name="a", audience=Audience.ADMIN, role=Role.READER, tags=("eu",)), "tags"),
        (KeyDraft(name="a", audience=Audience.CLIENT, requests_per_minute=0), "requests_per_minute"),
        (KeyDraft(name="a", audience=Audience.CLIENT, expires_at=datetime(2020, 1, 1, tzinfo=UTC)), "expires_at"),
    ],
)
def test_what_no_key_can_be_is_refused_by_its_member(registry: Registry, draft: KeyDraft, field: str) -> None:
    with pytest.raises(InvalidKey) as refused:
        registry.keys.create(draft)
    assert refused.value.field == field
    assert registry.keys.list() == []


def test_last_use_is_kept_in_memory_and_stored_now_and_then(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = registry.keys.create(READER)
    ring = Keyring(registry.keys)
    ring.find(new.secret, Audience.ADMIN)
    ring._follow()
    assert registry.keys.list()[0].last_used_at is None
    monkeypatch.setattr("guard.registry.keys.keyring.MARK_PERIOD_S", 0.0)
    ring._follow()
    used = registry.keys.list()[0].last_used_at
    assert used is not None
    registry.keys.note_used({new.key.id: used - timedelta(hours=1)})
    assert registry.keys.list()[0].last_used_at == used


def test_keys_that_were_not_compared_for_long_are_refused(registry: Registry) -> None:
    new = registry.keys.create(READER)
    assert Keyring(registry.keys, max_staleness_s=-1).find(new.secret, Audience.ADMIN) is None


def test_revoking_the_last_client_key_opens_nothing(registry: Registry) -> None:
    ring = Keyring(registry.keys)
    assert not ring.has_clients
    registry.keys.create(READER)
    new = registry.keys.create(CLIENT)
    ring.refresh()
    assert (ring.has_clients, ring.policy_sets) == (True, {frozenset({"eu"})})
    registry.keys.revoke(new.key.id)
    ring.refresh()
    assert (ring.has_clients, ring.policy_sets) == (True, frozenset())


def test_every_change_is_an_event_that_names_who_made_it(registry: Registry) -> None:
    first = registry.keys.create(READER)
    with acting_as(first.key.id):
        other = registry.keys.create(CLIENT)
        registry.keys.rotate(other.key.id, 0)
        registry.keys.revoke(other.key.id)
        target = registry.add(Draft(name="Ada Quill"))
    found = registry.keys.events()
    assert [(event.action, event.key_id, event.actor) for event in found.events] == [
        ("created", first.key.id, "admin"),
        ("created", other.key.id, first.key.id),
        ("rotated", other.key.id, first.key.id),
        ("revoked", other.key.id, first.key.id),
    ]
    assert (found.first_broken, found.next) == (None, None)
    page = registry.keys.events(after=1, limit=2)
    assert ([event.seq for event in page.events], page.next, page.first_broken) == ([2, 3], 3, None)
    (event,) = registry.events()
    assert (event.target_id, event.actor) == (target.id, first.key.id)
    assert registry.first_broken_event() is None


def test_an_altered_event_of_a_key_is_found(tmp_path: Path) -> None:
    with closing(Registry(tmp_path / "registry.db")) as registry:
        registry.keys.create(READER)
        registry.keys.create(CLIENT)
        with closing(sqlite3.connect(tmp_path / "registry.db")) as other, other:
            with pytest.raises(sqlite3.IntegrityError):
                other.execute("DELETE FROM key_events")
            other.execute("DROP TRIGGER key_events_stay_on_update")
            other.execute("UPDATE key_events SET actor = 'nobody' WHERE seq = 2")
        assert registry.keys.events().first_broken == 2
        assert registry.keys.events(limit=1).first_broken is None


def test_no_secret_is_stored(tmp_path: Path) -> None:
    with closing(Registry(tmp_path / "registry.db")) as registry:
        first = registry.keys.create(READER)
        second = registry.keys.rotate(first.key.id, 60)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for new in (first, second):
        assert new.secret.encode() not in stored
        assert new.secret not in repr(new)
        assert hashed(new.secret).encode() in stored


def test_keys_are_copied_with_the_registry(location: Location, tmp_path: Path) -> None:
    with closing(Registry(location)) as registry:
        new = registry.keys.create(CLIENT)
        registry.keys.note_used({new.key.id: datetime.now(UTC)})
        listed = registry.keys.list()
    copy(location, tmp_path / "copy.db")
    with closing(Registry(tmp_path / "copy.db")) as copied:
        assert copied.keys.list() == listed
        assert Keyring(copied.keys).find(new.secret, Audience.CLIENT) is not None
        assert copied.keys.events().first_broken is None


def stored_events(registry: Registry) -> list[tuple[object, ...]]:
    with registry._database.reading() as connection:
        columns = "seq, at, action, key_id, actor, digest"
        rows = connection.execute(f"SELECT {columns} FROM key_events ORDER BY seq").fetchall()
        return [tuple(row) for row in rows]


def test_a_trail_of_before_there_were_events_without_a_key_stays_as_it_is_and_goes_on(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [step for step in migrations.MIGRATIONS if step.__name__ < "m047"]
    named = {name: step for name, step in postgresql_schema.MIGRATIONS.items() if name < "p047"}
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    monkeypatch.setattr(postgresql_schema, "MIGRATIONS", named)
    with closing(Registry(location)) as earlier:
        key = earlier.keys.create(READER).key
        earlier.keys.rotate(key.id, 0)
        earlier.keys.create(CLIENT)
        earlier.keys.revoke(key.id)
        before = stored_events(earlier)
        with pytest.raises(StoreUnavailable):
            earlier.approvals.rule.write(Approval.FOUR_EYES)
    monkeypatch.undo()
    with closing(Registry(location)) as registry:
        assert stored_events(registry) == before
        assert registry.keys.version() == 4
        registry.approvals.rule.write(Approval.FOUR_EYES)
        assert stored_events(registry)[:4] == before
        assert stored_events(registry)[4][3] is None
        assert registry.keys.events().first_broken is None
        for statement in ("UPDATE key_events SET actor = 'clock'", "DELETE FROM key_events"):
            with pytest.raises(StoreUnavailable), registry._database.writing() as connection:
                connection.execute(statement)
        with pytest.raises(StoreUnavailable), registry._database.writing() as connection:
            connection.execute("INSERT INTO key_events VALUES (6, '', 'created', 'ak_none', 'admin', '')")
        assert len(stored_events(registry)) == 5
