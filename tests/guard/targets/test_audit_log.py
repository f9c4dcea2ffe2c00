from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from guard.targets.audit_log import GENESIS, Action, Actor, Event, chained, first_broken

AT = datetime(2030, 1, 1, tzinfo=UTC)


def trail(length: int) -> list[Event]:
    events: list[Event] = []
    for seq in range(1, length + 1):
        event = Event(
            seq=seq,
            at=AT,
            action=Action.ADDED,
            target_id=f"ft_{seq}",
            revision=1,
            policy_version=seq,
            actor=Actor.ADMIN,
        )
        events.append(chained(events[-1].digest if events else GENESIS, event))
    return events


def test_a_trail_as_written_is_intact() -> None:
    assert first_broken([]) is None
    assert first_broken(trail(5)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": datetime(2031, 1, 1, tzinfo=UTC)},
        {"action": Action.REVOKED},
        {"target_id": "ft_9"},
        {"revision": 2},
        {"policy_version": 7},
        {"actor": Actor.CLOCK},
        {"digest": "f" * 64},
        {"seq": 4},
    ],
)
def test_any_alteration_is_found_where_it_is(change: dict[str, Any]) -> None:
    events = trail(5)
    events[2] = replace(events[2], **change)
    assert first_broken(events) == 3


def test_a_trail_is_verified_in_parts() -> None:
    events = trail(5)
    assert first_broken(events[2:], after=2, previous=events[1].digest) is None
    assert first_broken(events[2:], after=2, previous=events[0].digest) == 3
    assert first_broken(events[3:], after=2, previous=events[1].digest) == 3


def test_a_missing_event_is_found() -> None:
    events = trail(5)
    assert first_broken(events[:2] + events[3:]) == 3


def test_an_altered_event_with_a_digest_made_again_breaks_the_next() -> None:
    events = trail(5)
    events[2] = chained(events[1].digest, replace(events[2], action=Action.REVOKED))
    assert first_broken(events) == 4
