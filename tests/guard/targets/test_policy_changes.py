from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guard.targets.audit_log import Action, Actor, Event
from guard.targets.policy_changes import Change, net_changes

START = datetime(2031, 1, 31, tzinfo=UTC)


def events(*actions: tuple[str, Action]) -> list[Event]:
    return [
        Event(
            seq=number,
            at=START + timedelta(seconds=number),
            action=action,
            target_id=target,
            revision=number,
            policy_version=number,
            actor=Actor.ADMIN,
            digest="",
        )
        for number, (target, action) in enumerate(actions, 1)
    ]


@pytest.mark.parametrize(
    ("actions", "change"),
    [
        ([Action.ADDED], Change.ADDED),
        ([Action.ADDED, Action.CHANGED], Change.ADDED),
        ([Action.CHANGED, Action.CHANGED], Change.CHANGED),
        ([Action.REVOKED], Change.ENDED),
        ([Action.CHANGED, Action.EXPIRED], Change.ENDED),
        ([Action.ADDED, Action.CHANGED, Action.REVOKED], Change.PASSING),
    ],
)
def test_the_net_change_of_a_target(actions: list[Action], change: Change) -> None:
    (found,) = net_changes(events(*(("ft_1", action) for action in actions)))
    assert (found.change, found.changes, found.revision) == (change, len(actions), len(actions))


def test_what_leaves_the_policy_as_it_is_is_no_change() -> None:
    assert net_changes(events(("ft_1", Action.ELICITED), ("ft_1", Action.REVEALED))) == []


def test_the_latest_change_comes_first() -> None:
    found = net_changes(events(("ft_1", Action.ADDED), ("ft_2", Action.ADDED), ("ft_1", Action.CHANGED)))
    assert [one.target_id for one in found] == ["ft_1", "ft_2"]
