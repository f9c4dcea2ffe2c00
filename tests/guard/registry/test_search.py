from __future__ import annotations

import pytest

from guard.errors import UnknownTarget
from guard.registry.registry import Registry
from guard.registry.search import EventSearch, TargetSearch
from guard.targets.audit_log import Action
from guard.targets.target import Draft, Kind, Mode, State


def names(registry: Registry, search: TargetSearch) -> list[str]:
    return [target.draft.name for target in registry.find(search).items]


@pytest.fixture
def stored(registry: Registry) -> Registry:
    registry.add(Draft(name="Zoë Quorne", mode=Mode.SHADOW))
    registry.add(Draft(name='100% "mode":"shadow"', kind=Kind.WORK))
    registry.add(Draft(name="The Glass_Orchard", kind=Kind.WORK, mode=Mode.SHADOW))
    registry.revoke(registry.add(Draft(name="Bo Quorne")).id)
    return registry


def test_targets_are_found_by_kind_mode_and_state(stored: Registry) -> None:
    assert names(stored, TargetSearch(kind=Kind.WORK)) == ['100% "mode":"shadow"', "The Glass_Orchard"]
    assert names(stored, TargetSearch(mode=Mode.SHADOW)) == ["Zoë Quorne", "The Glass_Orchard"]
    assert names(stored, TargetSearch(mode=Mode.ENFORCE, state=State.ACTIVE)) == ['100% "mode":"shadow"']
    assert names(stored, TargetSearch(state=State.REVOKED)) == [""]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quorne", ["Zoë Quorne"]),
        ("ZOE", ["Zoë Quorne"]),
        ("ｑｕｏｒ", ["Zoë Quorne"]),
        ("100%", ['100% "mode":"shadow"']),
        ("glass orchard", ["The Glass_Orchard"]),
        ("nobody", []),
    ],
)
def test_a_name_is_found_by_any_part_of_its_fold(stored: Registry, name: str, expected: list[str]) -> None:
    assert names(stored, TargetSearch(name=name)) == expected


def test_found_targets_come_in_pages(stored: Registry) -> None:
    search = TargetSearch(kind=Kind.WORK)
    first = stored.find(search, limit=1)
    assert first.next == first.items[0].id
    second = stored.find(search, first.next, 1)
    assert ([target.draft.name for target in second.items], second.next) == (["The Glass_Orchard"], None)
    with pytest.raises(UnknownTarget):
        stored.find(search, "ft_1")


def test_a_look_at_texts_is_an_event_and_no_change(stored: Registry) -> None:
    target = stored.find(TargetSearch(name="Zoë")).items[0]
    version = stored.version()
    stored.note_revealed([target.id])
    last = stored.latest_events(EventSearch(), limit=1)[0]
    assert (last.action, last.target_id, last.policy_version) == (Action.REVEALED, target.id, version)
    assert (stored.version(), stored.get(target.id)) == (version, target)
    assert stored.first_broken_event() is None
    with pytest.raises(UnknownTarget):
        stored.note_revealed([target.id, "ft_1"])
    assert stored.latest_events(EventSearch(), limit=1) == [last]


def test_events_are_found_newest_first_by_action_and_target(stored: Registry) -> None:
    revoked = stored.find(TargetSearch(state=State.REVOKED)).items[0].id
    of_one = stored.latest_events(EventSearch(target_id=revoked))
    assert [event.action for event in of_one] == [Action.REVOKED, Action.ADDED]
    assert [event.seq for event in stored.latest_events(EventSearch(action=Action.ADDED), before=4)] == [3, 2, 1]
    assert [event.seq for event in stored.latest_events(EventSearch(), limit=2)] == [5, 4]
    assert stored.latest_events(EventSearch(action=Action.EXPIRED)) == []
