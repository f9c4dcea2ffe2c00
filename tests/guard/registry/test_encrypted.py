"""The registry encrypted: who can read it, what is found in it, and how its keys change while it is used."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from guard.encryption.sealing import SealBroken, new_secret
from guard.errors import DuplicateTarget, LetheError, StoreUnavailable
from guard.registry.approval.proposed import Person
from guard.registry.copying import copy
from guard.registry.database import Database, Location, PostgresUrl
from guard.registry.opening import open_database
from guard.registry.registry import Registry
from guard.registry.rows import rotation
from guard.registry.rows.data_keys import EncryptionKeyMissing, EncryptionKeyWrong, RegistryNotEncrypted
from guard.registry.search import TargetSearch
from guard.targets.rules import rules_version
from guard.targets.target import Draft, Fact, Mode, State
from tests.guard.registry.test_elicitations import SAID
from tests.guard.registry.test_registry import ADA
from tests.postgresql import Cluster

KEY, OTHER = new_secret(), new_secret()
VECTOR = b"0123456789abcdef" * 4
ANNE = Person("key_1", "anne")
STORED = ("targets", "vectors", "elicitations", "proposed_changes", "revisions")


@pytest.fixture
def registry(location: Location) -> Iterator[Registry]:
    with closing(Registry(location, KEY)) as registry:
        yield registry


@pytest.fixture
def database(location: Location) -> Iterator[Database]:
    with closing(open_database(location)) as database:
        yield database


@pytest.fixture
def execute(location: Location) -> Callable[[str], None]:
    """Executes a statement behind the registry's back."""

    def executed(statement: str) -> None:
        if isinstance(location, PostgresUrl):
            with psycopg.connect(location.value) as connection:
                connection.execute(statement.encode())
        else:
            with closing(sqlite3.connect(location)) as other, other:
                other.execute(statement)

    return executed


def fill(registry: Registry) -> list[str]:
    """Add targets with everything that is kept of one, one of them changed, and one ended; return their ids."""
    ada, bo, cy = registry.add_many([ADA, Draft(name="Bo Quill", mode=Mode.SHADOW), Draft(name="Cy Quill")])
    registry.elicitations.keep(ada.id, SAID)
    registry.change(cy.id, replace(cy.draft, name="Cyd Quill"), 1)
    registry.keep_vectors("minilm", {(ada.id, 1): VECTOR, (cy.id, 2): VECTOR[::-1]})
    registry.revoke(bo.id)
    registry.approvals.propose(cy.id, replace(cy.draft, aliases=("Cy Mothwick",)), 2, ANNE)
    return [ada.id, bo.id, cy.id]


def everything(registry: Registry) -> tuple[object, ...]:
    return (
        registry.snapshot(),
        registry.list(limit=100),
        registry.vectors("minilm"),
        [registry.elicitations.get(target.id) for target in registry.active()],
        registry.approvals.changes([target.id for target in registry.list(limit=100).items]),
        registry.versions.diff(0, registry.version()),
        registry.events(),
        registry.first_broken_event(),
    )


def raw(location: Location) -> list[bytes]:
    """Return all that the database stores of targets."""
    with closing(open_database(location)) as database, database.reading() as connection:
        tables = [connection.execute(f"SELECT * FROM {name}") for name in STORED]
        return [
            value if isinstance(value, bytes) else str(value).encode()
            for rows in tables
            for row in rows
            for value in row
        ]


def test_what_is_stored_is_read_again_and_nothing_of_it_is_in_the_tables(
    registry: Registry, location: Location
) -> None:
    fill(registry)
    before = everything(registry)
    with closing(Registry(location, KEY)) as other:
        assert everything(other) == before
    stored = b"\n".join(raw(location)).lower()
    assert not any(word in stored for word in (b"quill", b"orchard", b"mothwick", VECTOR))


def test_a_registry_without_targets_is_encrypted_from_the_first_start_with_a_key(location: Location) -> None:
    Registry(location).close()
    with closing(Registry(location, KEY)) as registry:
        registry.add(ADA)
    with closing(Registry(location, KEY)) as registry:
        assert [target.draft for target in registry.active()] == [ADA]


def test_no_key_another_key_and_a_key_for_plain_targets_are_refused(
    registry: Registry, location: Location, tmp_path: Path
) -> None:
    registry.add(ADA)
    with pytest.raises(EncryptionKeyMissing) as missing:
        Registry(location)
    with pytest.raises(EncryptionKeyWrong) as wrong:
        Registry(location, OTHER)
    with closing(Registry(tmp_path / "plain.db")) as plain:
        plain.add(ADA)
    with pytest.raises(RegistryNotEncrypted) as not_encrypted:
        Registry(tmp_path / "plain.db", KEY)
    codes = [error.value.code for error in (missing, wrong, not_encrypted)]
    assert codes == ["encryption_key_missing", "encryption_key_wrong", "registry_not_encrypted"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE targets SET sealed = (SELECT sealed FROM targets WHERE seq = 2) WHERE seq = 1",
        """UPDATE targets SET sealed = (SELECT sealed FROM targets WHERE seq = 2),
             target_key = (SELECT target_key FROM targets WHERE seq = 2) WHERE seq = 1""",
        "UPDATE targets SET revision = 7 WHERE seq = 1",
        "UPDATE targets SET state = 'revoked' WHERE seq = 1",
        "UPDATE targets SET sealed = NULL, target_key = NULL, data_key = 0 WHERE seq = 1",
        "UPDATE targets SET data_key = 2 WHERE seq = 1",
    ],
)
def test_rows_that_were_swapped_or_altered_are_refused(
    registry: Registry, execute: Callable[[str], None], change: str
) -> None:
    ada, _ = registry.add_many([ADA, Draft(name="Bo Quill")])
    execute(change)
    with pytest.raises(StoreUnavailable):
        registry.get(ada.id)


def test_vectors_and_proposals_that_were_swapped_are_refused(
    registry: Registry, execute: Callable[[str], None]
) -> None:
    ada, bo = registry.add_many([ADA, Draft(name="Bo Quill")])
    for target in (ada, bo):
        registry.keep_vectors("minilm", {(target.id, 1): VECTOR})
        registry.elicitations.keep(target.id, SAID)
    execute(f"UPDATE vectors SET vector = (SELECT vector FROM vectors WHERE target_id = '{bo.id}')")
    execute(
        f"UPDATE elicitations SET proposals = (SELECT proposals FROM elicitations WHERE target_id = '{bo.id}')"
    )
    with pytest.raises(SealBroken):
        registry.vectors("minilm")
    with pytest.raises(SealBroken):
        registry.elicitations.get(ada.id)


def test_an_active_target_of_the_same_name_is_found_whoever_added_it(
    registry: Registry, location: Location
) -> None:
    with closing(Registry(location, KEY)) as other:
        first = registry.add(Draft(name="Ilsabet Quorne"))
        for name in ("ilsabet quorne", "ILSABET QUORNE"):
            with pytest.raises(DuplicateTarget):
                other.add(Draft(name=name))
        other.revoke(first.id)
        again = registry.add(Draft(name="Ilsabet Quorne"))
        renamed = other.change(again.id, Draft(name="Ilsa Quorne"), 1)
        assert registry.add(Draft(name="Ilsabet Quorne")).state is State.ACTIVE
        with pytest.raises(DuplicateTarget):
            registry.preview(renamed.draft)
        # A target may keep its own name.
        registry.change(renamed.id, replace(renamed.draft, basis="court"), 2)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("quorne", ["Ilsabet Quorne", "Odo Quorne", "Ada Quorne"]),
        ("BET Q", ["Ilsabet Quorne"]),
        ("0 % wr", ["100 % Wren"]),
        ("%", ["Ilsabet Quorne", "Odo Quorne", "100 % Wren", "Ada Quorne"]),
        ("x", []),
        ("", ["Ilsabet Quorne", "Odo Quorne", "100 % Wren", "Ada Quorne"]),
    ],
)
def test_parts_of_names_are_found_as_without_encryption(
    location: Location, tmp_path: Path, name: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guard.registry.search.MAX_POSITIONS", 2)
    names = ("Ilsabet Quorne", "Odo Quorne", "100 % Wren", "Ada Quorne")
    for key, place in ((KEY, location), (None, tmp_path / "plain.db")):
        with closing(Registry(place, key)) as registry:
            *_, last = registry.add_many([Draft(name=each, mode=Mode.SHADOW) for each in names])
            search = TargetSearch(name=name, mode=Mode.SHADOW)
            after, pages = None, []
            while len(pages) < 9:
                page = registry.find(search, after, limit=1)
                pages += page.items
                after = page.next
                if after is None:
                    break
            assert [target.draft.name for target in pages] == found
            assert registry.find(replace(search, mode=Mode.ENFORCE)).items == []
            registry.revoke(last.id)
            assert last.id not in [target.id for target in registry.find(TargetSearch(name="quorne")).items]


def test_the_key_of_a_target_is_replaced_when_it_ends(registry: Registry, database: Database) -> None:
    kept, ended = registry.add_many([ADA, Draft(name="Bo Quill", external_ref="case 7")])

    def stored() -> dict[str, tuple[bytes, bytes]]:
        with database.reading() as connection:
            rows = connection.execute("SELECT id, target_key, sealed FROM targets")
            return {id: (bytes(key), bytes(sealed)) for id, key, sealed in rows}

    before = stored()
    registry.change(kept.id, replace(ADA, basis="court"), 1)
    registry.revoke(ended.id)
    after = stored()
    assert before[kept.id][0] == after[kept.id][0]
    assert before[ended.id][0] != after[ended.id][0]
    assert registry.get(ended.id).draft.external_ref == "case 7"


def test_a_plain_registry_is_encrypted_and_an_interrupted_run_is_taken_up_again(
    location: Location, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH_TARGETS", 1)
    with closing(Registry(location)) as plain:
        fill(plain)
        before = everything(plain)

    def interrupt(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.encrypt(database, KEY, interrupt)
    with pytest.raises(RegistryNotEncrypted):
        Registry(location, KEY)
    with pytest.raises(EncryptionKeyMissing):
        Registry(location)
    with pytest.raises(EncryptionKeyWrong):
        rotation.encrypt(database, OTHER, print)
    assert rotation.encrypt(database, KEY, lambda _: None) == 1
    assert rotation.encrypt(database, KEY, lambda _: None) == 0
    with closing(Registry(location, KEY)) as registry:
        assert everything(registry) == before
    assert b"quill" not in b"\n".join(raw(location)).lower()


def test_all_is_sealed_again_under_new_keys_and_the_data_key_before_is_gone(
    registry: Registry, location: Location, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH_TARGETS", 1)
    fill(registry)
    before, stored = everything(registry), set(raw(location))

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.encrypt_again(database, KEY, interrupt)
    # In the middle of it servers read and write.
    assert everything(registry) == before
    registry.add(Draft(name="Dee Quill"))
    assert rotation.encrypt_again(database, KEY, lambda _: None) == 2
    # The digest of the rules is the only long value that is not sealed.
    assert {value for value in stored & set(raw(location)) if len(value) > 50} == {rules_version().encode()}
    with closing(Registry(location, KEY)) as other:
        assert everything(other) == everything(registry)
        assert [target.draft.name for target in other.active()][-1] == "Dee Quill"
    with database.reading() as connection:
        keys = connection.execute("SELECT purpose FROM data_keys ORDER BY id").fetchall()
    assert [purpose for (purpose,) in keys] == ["files", "targets"]


def test_another_key_opens_the_registry_once_its_data_keys_are_wrapped_by_it(
    registry: Registry, location: Location, database: Database
) -> None:
    fill(registry)
    before, stored = everything(registry), raw(location)
    assert rotation.wrap_again(database, KEY, OTHER, drop=False) == 2
    for key in (KEY, OTHER):
        with closing(Registry(location, key)) as other:
            assert everything(other) == before
    assert rotation.wrap_again(database, OTHER, OTHER, drop=True) == 2
    with pytest.raises(EncryptionKeyWrong):
        Registry(location, KEY)
    with pytest.raises(EncryptionKeyWrong):
        rotation.wrap_again(database, KEY, OTHER, drop=False)
    assert raw(location) == stored
    assert everything(registry) == before


def test_keys_of_a_registry_that_is_not_encrypted_cannot_be_changed(database: Database) -> None:
    with pytest.raises(RegistryNotEncrypted):
        rotation.encrypt_again(database, KEY, print)
    with pytest.raises(RegistryNotEncrypted):
        rotation.wrap_again(database, KEY, OTHER, drop=False)


def test_keys_change_while_servers_write_and_nothing_is_lost(location: Location, database: Database) -> None:
    with closing(Registry(location, KEY)) as first, closing(Registry(location, KEY)) as second:
        first.add_many([Draft(name=f"Orla Quarn {number}") for number in range(40)])
        stored: dict[str, str] = {}
        failed: list[LetheError] = []
        ends = threading.Event()

        def write(registry: Registry, name: str) -> None:
            number = 0
            while not ends.is_set() or number < 10:
                number += 1
                try:
                    target = registry.add(Draft(name=f"{name} {number}"))
                    registry.keep_vectors("minilm", {(target.id, 1): VECTOR})
                    changed = registry.change(target.id, replace(target.draft, basis=name), 1)
                    if number % 3 == 0:
                        registry.revoke(target.id)
                    else:
                        stored[target.id] = changed.draft.name
                except LetheError as error:
                    failed.append(error)
                    return

        writers = [
            threading.Thread(target=write, args=(registry, name))
            for registry, name in ((first, "Brisa"), (second, "Tove"))
        ]
        for writer in writers:
            writer.start()
        try:
            for _ in range(3):
                assert rotation.encrypt_again(database, KEY, lambda _: None) >= 40
            rotation.wrap_again(database, KEY, OTHER, drop=False)
        finally:
            ends.set()
            for writer in writers:
                writer.join()
        assert failed == []
        with closing(Registry(location, OTHER)) as third:
            read = {target.id: target.draft.name for target in third.active()}
            assert third.first_broken_event() is None
        assert stored.items() <= read.items()
        assert len(read) == 40 + len(stored)


def test_a_copy_stays_encrypted_and_is_opened_by_the_same_key(
    registry: Registry, location: Location, postgres: Cluster, tmp_path: Path
) -> None:
    fill(registry)
    other: Location = postgres.schema() if isinstance(location, Path) else tmp_path / "other.db"
    copy(location, other)
    with closing(Registry(other, KEY)) as copied:
        assert everything(copied) == everything(registry)
    with pytest.raises(EncryptionKeyMissing):
        Registry(other)
    assert raw(other) == raw(location)


def test_neither_a_dump_nor_the_files_of_postgresql_tell_a_target(postgres: Cluster) -> None:
    url = postgres.schema()
    with closing(Registry(url, KEY)) as registry:
        fact = Fact(answer="Yrvald Quennebrink keeps the Ossumvarr.")
        targets = registry.add_many([Draft(name=f"Quennebrink {number}", facts=(fact,)) for number in range(5)])
        registry.keep_vectors("minilm", {(targets[0].id, 1): b"Yrvald" * 20})
        registry.elicitations.keep(targets[0].id, replace(SAID, model="m"))
        registry.revoke(targets[1].id)
    command = [str(postgres.binaries / "pg_dump"), postgres.url()]
    dump = subprocess.run(command, check=True, capture_output=True, user=postgres.user, cwd=postgres.folder).stdout
    assert targets[0].id.encode() in dump
    files = [path.read_bytes() for path in (postgres.folder / "data").rglob("*") if path.is_file()]
    words = [form for word in ("Yrvald", "Quennebrink", "Ossumvarr") for form in (word, word.lower())]
    assert not any(
        needle in content
        for content in (dump, *files)
        for word in words
        for needle in (word.encode(), word.encode().hex().encode(), word.encode("utf-16-le"))
    )
