"""What has changed in the registry since a policy was compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from guard.patterns.value_class import ValueClass, classes_of
from guard.targets.target import ForgetTarget, State


class Change(NamedTuple):
    """All active targets at `version`, those that changed after `since`, and the ids of all that did or ended.

    `earlier` are those of them that were active at `since`, as they were.
    """

    since: int
    version: int
    targets: dict[str, ForgetTarget]
    active: list[ForgetTarget]
    ids: list[str]
    earlier: list[ForgetTarget]


def change_of(
    since: int, version: int, before: Mapping[str, ForgetTarget], changed: Sequence[ForgetTarget]
) -> Change:
    """Return the change from the targets `before`, of version `since`, by those that changed until `version`."""
    active = [target for target in changed if target.state is State.ACTIVE]
    targets = {**before, **{target.id: target for target in active}}
    for target in changed:
        if target.state is not State.ACTIVE:
            targets.pop(target.id, None)
    ids = [target.id for target in changed]
    return Change(since, version, targets, active, ids, [before[id] for id in ids if id in before])


def classes_after(
    change: Change, before: Mapping[str, tuple[ValueClass, ...]]
) -> dict[str, tuple[ValueClass, ...]]:
    """Return the classes of values of all targets that have any, by target, from those before the change."""
    changed = set(change.ids)
    kept = {id: classes for id, classes in before.items() if id not in changed}
    new = ((target.id, classes_of(target.draft.patterns)) for target in change.active)
    return kept | {id: classes for id, classes in new if classes}
