"""What differs between two policy versions, and the way back to one: nothing that was erased comes back."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from guard.errors import StaleRevision, UnknownTarget
from guard.registry.database import Database, Location
from guard.registry.history import changes
from guard.registry.history.schema import CHANGING
from guard.registry.history.versions import UnknownVersion, VersionChange
from guard.registry.opening import open_database
from guard.registry.records import event_of
from guard.registry.registry import Registry
from guard.registry.rows.revisions import MAX_REVISIONS
from guard.targets.policy_changes import CHANGING as CHANGING_ACTIONS
from guard.targets.policy_changes import Change
from guard.targets.target import Draft, ForgetTarget, Mode

ADA = Draft(name="Ada Quillfeather", phrases=("the Mothwick ledger",))


def back(registry: Registry, version: int) -> list[ForgetTarget]:
    return registry.versions.go_back(registry.versions.way_back(version).steps)


def test_a_changed_target_becomes_what_it_was_under_a_new_version(registry: Registry) -> None:
    target = registry.add(ADA)
    registry.change(target.id, replace(ADA, phrases=(), basis="court"), 1)
    (restored,) = back(registry, 1)
    assert (restored.draft, restored.revision, restored.forbidden) == (ADA, 3, target.forbidden)
    assert registry.get(target.id) == restored
    assert registry.version() == 3
    assert [event.action for event in registry.events()] == ["added", "changed", "changed"]
    # And forward again.
    assert back(registry, 2)[0].draft.basis == "court"


def test_a_target_that_was_added_since_ends(registry: Registry) -> None:
    registry.add(ADA)
    later = registry.add(Draft(name="Bo Quill"))
    assert [one.id for one in back(registry, 1)] == [later.id]
    assert [one.draft for one in registry.active()] == [ADA]


def test_what_was_erased_stays_erased_and_is_named(registry: Registry) -> None:
    target = registry.add(ADA)
    registry.revoke(target.id)
    way = registry.versions.way_back(1)
    assert (way.steps, way.erased) == ([], [target.id])


def test_a_name_that_another_one_has_by_now_is_not_taken_from_it(registry: Registry) -> None:
    first, second = registry.add_many([ADA, Draft(name="Bo Quill")])
    registry.change(first.id, replace(ADA, name="Ada Lark"), 1)
    registry.change(second.id, replace(second.draft, name="Ada Quillfeather"), 1)
    way = registry.versions.way_back(1)
    assert (way.refused, [one.target.id for one in way.steps]) == ([first.id], [second.id])
    # Where the other one ends on the same way, the name is free.
    registry.revoke(second.id)
    third = registry.add(ADA)
    way = registry.versions.way_back(1)
    assert {one.target.id for one in way.steps} == {first.id, third.id}
    registry.versions.go_back(way.steps)
    assert [one.draft for one in registry.active()] == [ADA]


def test_a_change_meanwhile_stops_the_way_back(registry: Registry) -> None:
    target = registry.add(ADA)
    registry.change(target.id, replace(ADA, basis="court"), 1)
    way = registry.versions.way_back(1)
    registry.change(target.id, replace(ADA, basis="appeal"), 2)
    with pytest.raises(StaleRevision):
        registry.versions.go_back(way.steps)
    assert registry.get(target.id).draft.basis == "appeal"


def test_differences_are_told_between_any_two_versions(registry: Registry) -> None:
    ada, bo, cy = registry.add_many([ADA, Draft(name="Bo Quill"), Draft(name="Cy Quill", mode=Mode.SHADOW)])
    registry.change(ada.id, replace(ADA, basis="court"), 1)
    registry.change(ada.id, replace(ADA, basis="court", phrases=()), 2)
    registry.revoke(bo.id)
    registry.change(cy.id, replace(cy.draft, mode=Mode.ENFORCE), 1)
    registry.revoke(registry.add(Draft(name="Dee Quill")).id)
    found = {one.target_id: one for one in registry.versions.diff(2, 5).items}
    assert found.keys() == {ada.id, bo.id, cy.id}
    assert (found[ada.id].change, found[ada.id].before, found[ada.id].after) == (Change.CHANGED, 2, 3)
    assert [one.member for one in found[ada.id].differences or ()] == ["phrases"]
    assert (found[bo.id].change, found[bo.id].before, found[bo.id].after) == (Change.ENDED, 1, None)
    assert found[bo.id].differences is None
    assert [(one.removed, one.added) for one in found[cy.id].differences or ()] == [(("shadow",), ("enforce",))]
    assert {one.change for one in registry.versions.diff(0, 1).items} == {Change.ADDED}
    assert registry.versions.diff(5, 7).items[0].change is Change.PASSING
    assert registry.versions.diff(3, 3) == ([], None)
    for older, newer in ((-1, 2), (3, 2), (0, 99)):
        with pytest.raises(UnknownVersion):
            registry.versions.diff(older, newer)


def test_differences_are_told_page_after_page(registry: Registry) -> None:
    ids = [registry.add(Draft(name=f"{name} Quill")).id for name in ("Ada", "Bo", "Cy", "Dee", "Eve")]
    whole = registry.versions.diff(0, 5, limit=5)
    assert ([one.target_id for one in whole.items], whole.next) == (ids[::-1], None)
    first = registry.versions.diff(0, 5, limit=2)
    second = registry.versions.diff(0, 5, first.next, 2)
    last = registry.versions.diff(0, 5, second.next, 2)
    assert [*first.items, *second.items, *last.items] == whole.items
    assert (first.next, second.next, last.next) == (ids[3], ids[1], None)
    with pytest.raises(UnknownTarget):
        registry.versions.diff(0, 4, ids[4])


def in_pages(registry: Registry, older: int, newer: int, limit: int) -> list[VersionChange]:
    page = registry.versions.diff(older, newer, limit=limit)
    found = [*page.items]
    while page.next is not None:
        page = registry.versions.diff(older, newer, page.next, limit)
        assert 0 < len(page.items) <= limit
        found += page.items
    return found


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_however_often_targets_change_each_is_told_once_by_its_latest_change(
    registry: Registry, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BATCH_IDS", batch)
    targets = registry.add_many([Draft(name=f"{name} Quill") for name in ("Ada", "Bo", "Cy", "Dee")])
    ada, bo, cy, dee = (one.id for one in targets)
    for number, id in enumerate((ada, bo, ada, cy, ada, bo)):
        current = registry.get(id)
        registry.change(id, replace(current.draft, basis=str(number)), current.revision)
        registry.note_revealed([dee, id])
    registry.revoke(cy)
    # Version 1 has added all of them, 2 to 7 have changed some, 8 has ended one.
    for limit in (1, 2, 3, 9):
        assert [one.target_id for one in in_pages(registry, 0, 8, limit)] == [cy, bo, ada, dee]
        assert [one.target_id for one in in_pages(registry, 1, 7, limit)] == [bo, ada, cy]
        assert [one.target_id for one in in_pages(registry, 2, 6, limit)] == [ada, cy, bo]
        found = [(one.target_id, one.change, one.before, one.after) for one in in_pages(registry, 1, 8, limit)]
        assert found == [
            (cy, Change.ENDED, 1, None),
            (bo, Change.CHANGED, 1, 3),
            (ada, Change.CHANGED, 1, 4),
        ]


def test_a_page_reads_the_events_of_its_own_targets(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.add_many([Draft(name=f"Person Quill {number}") for number in range(30)])
    read = []
    monkeypatch.setattr(changes, "event_of", lambda row: read.append(row) or event_of(row))
    page = registry.versions.diff(0, 1, limit=5)
    registry.versions.diff(0, 1, page.next, 5)
    assert len(read) == 10


def test_of_many_revisions_the_latest_are_kept(registry: Registry) -> None:
    target = registry.add(ADA)
    for number in range(1, MAX_REVISIONS + 3):
        target = registry.change(target.id, replace(ADA, basis=str(number)), target.revision)
    assert registry.versions.way_back(1).not_kept == [target.id]
    assert registry.versions.way_back(2).not_kept == [target.id]
    assert registry.versions.way_back(3).steps[0].meant is not None


def test_nothing_is_kept_of_a_target_that_ended(registry: Registry, location: Location) -> None:
    target = registry.add(ADA)
    registry.change(target.id, replace(ADA, basis="court"), 1)
    registry.revoke(target.id)
    database: Database = open_database(location)
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM revisions").fetchone()[0] == 0
    database.close()


@pytest.mark.parametrize("seed", range(4))
def test_the_way_back_leads_to_what_was_but_for_what_was_erased(registry: Registry, seed: int) -> None:
    """Whatever was added, changed and revoked: going back to any version gives its targets, without the erased."""
    chance, then = random.Random(seed), {0: {}}  # type: ignore[var-annotated]
    for step in range(12):
        active = registry.active()
        choice = chance.choice(["add", "change", "change", "revoke"]) if active else "add"
        if choice == "add":
            registry.add(Draft(name=f"Person Quill {step}"))
        elif choice == "revoke":
            registry.revoke(chance.choice(active).id)
        else:
            one = chance.choice(active)
            draft = replace(one.draft, basis=str(step), mode=chance.choice([*Mode]))
            registry.change(one.id, draft, one.revision)
        then[registry.version()] = {one.id: one.draft for one in registry.active()}
    for _ in range(4):
        version = chance.choice([*then])
        way = registry.versions.way_back(version)
        assert (way.not_kept, way.refused) == ([], [])
        registry.versions.go_back(way.steps)
        now = {one.id: one.draft for one in registry.active()}
        assert now == {id: draft for id, draft in then[version].items() if id not in way.erased}
        then[registry.version()] = now
    assert registry.first_broken_event() is None


def test_the_index_of_changes_has_the_actions_that_change_what_is_in_force() -> None:
    assert {f"'{action}'" for action in CHANGING_ACTIONS} == set(re.findall(r"'\w+'", CHANGING))
