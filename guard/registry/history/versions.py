"""Policy versions: how the targets differ from one to another, and the way back to an earlier one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from guard.errors import InvalidTarget, StaleRevision, UnknownTarget
from guard.registry.approval.rule import Approval, refuse_other_rule
from guard.registry.database import Connection, Database
from guard.registry.drafts import key_of, new_target
from guard.registry.history.changes import batches, changed_targets, changes_of, places
from guard.registry.records import (
    EVENT_COLUMNS,
    erased,
    event_of,
    found,
    policy_version,
    refuse_duplicate,
    write_groups,
)
from guard.registry.rows.revisions import draft_at
from guard.targets.audit_log import Action, Event, acting
from guard.targets.differences import Difference, differences
from guard.targets.policy_changes import Change, TargetChange, net_changes
from guard.targets.target import Draft, ForgetTarget, Kind, State


class UnknownVersion(UnknownTarget):
    """The registry has not had this policy version."""

    code = "unknown_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """What became of a target from one version to another.

    before, after  its revisions in these versions; None where it was not in force
    differences    None where the texts of one of them are not kept, or were erased
    """

    target_id: str
    kind: Kind
    change: Change
    before: int | None
    after: int | None
    differences: Sequence[Difference] | None


class DiffPage(NamedTuple):
    """What became of some targets, and the target that the next page comes after, None if this is the last."""

    items: list[VersionChange]
    next: str | None


class Step(NamedTuple):
    """What brings one target back: a target in force, and what it is to become, None where it is to end."""

    target: ForgetTarget
    meant: ForgetTarget | None


class Way(NamedTuple):
    """How the registry gets back to a version, and what cannot be brought back.

    erased     ids of targets that were in force then, and whose texts are erased
    not_kept   ids of targets whose revision of then is not kept
    refused    ids of targets that cannot be as they were: their name is taken by now, or their end is past
    """

    version: int
    steps: list[Step]
    erased: list[str]
    not_kept: list[str]
    refused: list[str]


class Versions:
    """The policy versions of a registry. Thread-safe; errors are those of `guard.errors`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def diff(self, older: int, newer: int, after: str | None = None, limit: int = 100) -> DiffPage:
        """Return what became of up to `limit` targets from one version to another, the latest change first.

        `after` is the target that the page before ended with. Raises UnknownVersion, and UnknownTarget where the
        target `after` has not changed between these versions.
        """
        with self._database.reading() as connection:
            _refuse_unknown(connection, older, newer)
            ids = changed_targets(connection, older, newer, after, limit + 1)
            page = changes_of(connection, older, newer, ids[:limit])
            before = _revisions_at(connection, older, [one.target_id for one in page])
            items = [_version_change(connection, one, before.get(one.target_id)) for one in page]
        return DiffPage(items, ids[limit - 1] if len(ids) > limit else None)

    def way_back(self, version: int) -> Way:
        """Return how the registry gets back to a version. Nothing is changed. Raises UnknownVersion."""
        with self._database.reading() as connection:
            now = policy_version(connection)
            _refuse_unknown(connection, version, now)
            changed = [one.target_id for one in net_changes(_events(connection, version, now))]
            before = _revisions_at(connection, version, changed)
            way = Way(version, [], [], [], [])
            targets = [found(connection, id) for id in reversed(changed)]
            ending = {one.id for one in targets if one.state is State.ACTIVE and one.id not in before}
            for target in targets:
                _plan(connection, way, target, before.get(target.id), ending)
            return way

    def go_back(self, steps: Sequence[Step], rule: Approval | None = None) -> list[ForgetTarget]:
        """Take these steps under one new policy version, and return the targets as they stand then.

        Raises `StaleRevision` where one of them has changed since, or another rule of approval than `rule` is in
        force by then (None: any), and `DuplicateTarget`.
        """
        now = datetime.now(UTC)
        changed, ended = [], []
        with self._database.writing() as connection:
            refuse_other_rule(connection, rule)
            for target, meant in steps:
                if found(connection, target.id) != target:
                    raise StaleRevision(f"{target.id} has changed meanwhile: repeat it")
                if meant is None:
                    ended.append(erased(target, State.REVOKED, now))
                else:
                    changed.append(_next(target, meant))
            write_groups(connection, {Action.REVOKED: ended, Action.CHANGED: changed}, acting())
            for target in changed:
                refuse_duplicate(connection, target)
        if steps:
            self._database.scrub()
        return [*changed, *ended]


def _next(target: ForgetTarget, meant: ForgetTarget) -> ForgetTarget:
    return replace(meant, id=target.id, revision=target.revision + 1, created_at=target.created_at)


def _plan(
    connection: Connection, way: Way, target: ForgetTarget, before: int | None, ending: Collection[str]
) -> None:
    """Add to the way what brings one target back that was at revision `before`, None if it was not in force.

    Names of the targets that are `ending` will be free.
    """
    if target.state is not State.ACTIVE:
        if before is not None:
            way.erased.append(target.id)
    elif before is None:
        way.steps.append(Step(target, None))
    elif (draft := draft_at(connection, target, before)) is None:
        way.not_kept.append(target.id)
    elif draft != target.draft:
        taken = set(connection.texts.named(connection, *key_of(draft))) - {target.id, *ending}
        try:
            meant = None if taken else new_target(draft)
        except InvalidTarget:
            meant = None
        if meant is None:
            way.refused.append(target.id)
        else:
            way.steps.append(Step(target, meant))


def _version_change(connection: Connection, one: TargetChange, before: int | None) -> VersionChange:
    target = found(connection, one.target_id)
    is_over = one.change in (Change.ENDED, Change.PASSING)
    after = None if is_over else one.revision
    different = None
    if before is not None and after is not None and target.state is State.ACTIVE:
        different = _differences(draft_at(connection, target, before), draft_at(connection, target, after))
    return VersionChange(
        target_id=one.target_id,
        kind=target.draft.kind,
        change=one.change,
        before=before,
        after=after,
        differences=different,
    )


def _differences(before: Draft | None, after: Draft | None) -> list[Difference] | None:
    return None if before is None or after is None else differences(before, after)


def _events(connection: Connection, older: int, newer: int) -> Iterator[Event]:
    rows = connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE policy_version > ? AND policy_version <= ? ORDER BY seq",
        (older, newer),
    )
    return map(event_of, rows)


def _revisions_at(connection: Connection, version: int, ids: Sequence[str]) -> dict[str, int]:
    """Return the revisions in force at a version, of those of these targets that were."""
    revisions: dict[str, int] = {}
    for some in batches(ids):
        rows = connection.execute(
            f"""SELECT target_id, max(revision) FROM events
                WHERE target_id IN ({places(some)}) AND policy_version <= ?
                  AND action IN ('added', 'changed') GROUP BY target_id""",
            (*some, version),
        )
        revisions |= dict(rows)
        gone = connection.execute(
            f"""SELECT target_id FROM events
                WHERE target_id IN ({places(some)}) AND policy_version <= ?
                  AND action IN ('revoked', 'expired')""",
            (*some, version),
        )
        for (id,) in gone.fetchall():
            revisions.pop(id, None)
    return revisions


def _refuse_unknown(connection: Connection, older: int, newer: int) -> None:
    if not 0 <= older <= newer <= policy_version(connection):
        raise UnknownVersion("there is no such policy version, or the first is later than the second")
