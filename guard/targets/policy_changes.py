"""What changed from one policy version to another: the net change of each target, from the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from guard.targets.audit_log import Action, Event


class Change(StrEnum):
    """What became of a target: `passing` was added and ended between the two versions."""

    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"
    PASSING = "passing"


@dataclass(frozen=True, slots=True)
class TargetChange:
    """The net change of one target.

    revision  that of the last of its changes
    changes   how many there were
    at        when the last was made
    """

    target_id: str
    change: Change
    revision: int
    changes: int
    at: datetime


CHANGING = frozenset({Action.ADDED, Action.CHANGED, Action.REVOKED, Action.EXPIRED})
"""What an event has done that changes what is in force."""
_ENDING = frozenset({Action.REVOKED, Action.EXPIRED})


def net_changes(events: Iterable[Event]) -> list[TargetChange]:
    """Return the net change of each target in events that are in the order of the trail, the latest first.

    Events that leave the policy as it is (an elicitation, a look at texts) are passed over.
    """
    of: dict[str, list[Event]] = {}
    for event in events:
        if event.action in CHANGING:
            of.setdefault(event.target_id, []).append(event)
    found = [_net(id, own) for id, own in of.items()]
    return sorted(found, key=lambda one: (one.at, one.target_id), reverse=True)


def _net(target_id: str, events: list[Event]) -> TargetChange:
    is_new, is_over = events[0].action is Action.ADDED, events[-1].action in _ENDING
    if is_new:
        change = Change.PASSING if is_over else Change.ADDED
    else:
        change = Change.ENDED if is_over else Change.CHANGED
    return TargetChange(target_id, change, events[-1].revision, len(events), events[-1].at)
