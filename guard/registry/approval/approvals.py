"""Approvals: changes of targets are proposed by one person, and decided by another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from guard.errors import (
    AlreadyProposed,
    NothingProposed,
    NotSecondPerson,
    StaleRevision,
)
from guard.registry.approval.proposed import (
    ChangeKind,
    ChangeState,
    Overdue,
    Person,
    ProposedChange,
    found_change,
    found_changes,
    remove_change,
    write_changes,
)
from guard.registry.approval.rule import ApprovalRule
from guard.registry.database import Connection, Database
from guard.registry.drafts import (
    Added,
    DraftStanding,
    missing,
    new_target,
    new_targets,
    proposed_names,
    refuse_duplicates,
    refuse_proposed,
    standings,
)
from guard.registry.records import (
    erased,
    found,
    found_active,
    refuse_duplicate,
    write_all,
    write_events,
    write_targets,
)
from guard.targets.audit_log import Action, Actor
from guard.targets.target import Draft, ForgetTarget, State

NeedsApproval = Callable[[Draft], bool]
"""Returns whether a target takes a second person to come into force."""

OVERDUE = "it would have ended by now"


class Approvals:
    """Changes of targets that wait for a second person. Thread-safe; errors are those of `guard.errors`.

    A target has one open change at most. Nothing that is proposed changes the policy version, which approval does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.rule = ApprovalRule(database)

    def change(self, id: str) -> ProposedChange | None:
        """Return the change of a target that is open, or was rejected last, None if there is none."""
        with self._database.reading() as connection:
            return found_change(connection, id)

    def changes(self, ids: Sequence[str]) -> dict[str, ProposedChange]:
        """Return by target the changes of these that are open, or were rejected last."""
        with self._database.reading() as connection:
            return found_changes(connection, ids)

    def waiting(self) -> int:
        """Return how many changes are open."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT count(*) FROM proposed_changes WHERE state = ?", (ChangeState.OPEN.value,)
            )
            return int(rows.fetchone()[0])

    def add(self, drafts: Sequence[Draft], by: Person, needs: NeedsApproval, *, skip_existing: bool) -> Added:
        """Store new targets, all or none: as proposed those that need approval, the others as active.

        `skip_existing` leaves out those whose kind and name a target or an earlier draft has. Raises as
        `Registry.add_many` does.
        """
        targets = [_proposed(one) if needs(one.draft) else one for one in new_targets(drafts)]
        with self._database.writing() as connection:
            waiting = proposed_names(connection)
            if skip_existing:
                added = missing(connection, targets, waiting)
            else:
                refuse_duplicates(connection, targets, waiting)
                added = Added(targets, [])
            active = [target for target in added.targets if target.state is State.ACTIVE]
            if active:
                write_all(connection, active, Action.ADDED, by.actor)
            self._propose_new(connection, [one for one in added.targets if one.state is State.PROPOSED], by)
        return added

    def standings(self, drafts: Sequence[Draft]) -> list[DraftStanding]:
        """Return what would become of each draft in `add`, existing ones skipped; nothing is written."""
        with self._database.reading() as connection:
            return standings(connection, drafts, proposed_names(connection))

    def add_one(self, draft: Draft, by: Person, *, urgent: bool = False) -> ForgetTarget:
        """Store a new target as proposed. Raises as `Registry.add` does.

        An `urgent` one is active at once, and waits for a second person to confirm it or to end it.
        """
        target = new_target(draft) if urgent else _proposed(new_target(draft))
        with self._database.writing() as connection:
            refuse_proposed(target, proposed_names(connection))
            refuse_duplicate(connection, target)
            if urgent:
                write_all(connection, [target], Action.ADDED, by.actor)
            self._propose_new(connection, [target], by)
        return target

    def propose(self, id: str, draft: Draft | None, revision: int, by: Person) -> ForgetTarget:
        """Propose what a target that is at `revision` is to become, None for its end, and return it as it stands.

        A target that is itself proposed becomes the draft at once. Raises `UnknownTarget`, `StaleRevision`,
        `InvalidTarget`, `DuplicateTarget`, and `AlreadyProposed` where somebody else's change is open.
        """
        candidate = None if draft is None else new_target(draft)
        with self._database.writing() as connection:
            stored = _undecided(connection, id, revision)
            change = found_change(connection, id)
            if change and change.is_open:
                _refuse_others(change, by, stored)
            target, changed = _changed(stored, candidate, change, by)
            if candidate is not None:
                refuse_proposed(replace(candidate, id=id), proposed_names(connection))
                refuse_duplicate(connection, replace(candidate, id=id))
            if stored.state is State.PROPOSED:
                write_targets(connection, [target], new=False)
            write_changes(connection, [changed])
            write_events(connection, [_at(target, changed)], Action.PROPOSED, by.actor)
        self._database.scrub()
        return target

    def approve(self, id: str, revision: int, by: Person) -> ForgetTarget:
        """Bring the open change of a target into force if it is at `revision`, and return the target.

        Raises `UnknownTarget`, `NothingProposed`, `NotSecondPerson` where `by` proposed it, and `StaleRevision`
        where another change is open, or the target has changed since it was proposed.
        """
        with self._database.writing() as connection:
            change = _open_change(connection, id, revision)
            if change.proposer.identity == by.identity:
                raise NotSecondPerson("who proposed a change does not approve it: that takes somebody else")
            stored = found(connection, id)
            if change.base and stored.revision != change.base:
                raise StaleRevision("the target has changed since: reject the change, and propose it once more")
            target = self._approve(connection, stored, change, by)
        self._database.scrub()
        return target

    def reject(self, id: str, revision: int, by: Person, reason: str = "") -> ForgetTarget:
        """Decide that the open change of a target does not come into force, and return the target.

        A new target ends, and its texts are erased, also where it was urgent. Raises as `approve` does; who
        proposed a change may take it back.
        """
        with self._database.writing() as connection:
            change = _open_change(connection, id, revision)
            target, now = found(connection, id), datetime.now(UTC)
            proposer = change.proposer.actor
            write_events(connection, [_at(target, change, now)], Action.REJECTED, by.actor, proposer)
            if change.kind is ChangeKind.ADD and target.state is State.ACTIVE:
                target = erased(target, State.REVOKED, now)
                write_all(connection, [target], Action.REVOKED, by.actor, proposer)
            elif change.kind is ChangeKind.ADD:
                target = erased(target, State.REJECTED, now)
                write_targets(connection, [target], new=False)
            rejected = replace(change, state=ChangeState.REJECTED, draft=None, reason=reason)
            write_changes(connection, [replace(rejected, decided_by=by.actor, decided_at=now)])
        self._database.scrub()
        return target

    def reject_overdue(self, targets: Sequence[Overdue]) -> None:
        """Reject new targets that would have ended by now, unless that was decided meanwhile."""
        for id, revision in targets:
            with suppress(NothingProposed, StaleRevision):
                self.reject(id, revision, Person(Actor.CLOCK, ""), OVERDUE)

    def _propose_new(self, connection: Connection, targets: Sequence[ForgetTarget], by: Person) -> None:
        if not targets:
            return
        proposed = [target for target in targets if target.state is State.PROPOSED]
        write_targets(connection, proposed, new=True)
        write_changes(
            connection,
            [
                ProposedChange(
                    target_id=target.id,
                    kind=ChangeKind.ADD,
                    state=ChangeState.OPEN,
                    base=0,
                    revision=target.revision,
                    proposer=by,
                    proposed_at=target.created_at,
                )
                for target in targets
            ],
        )
        write_events(connection, targets, Action.PROPOSED, by.actor)

    def _approve(
        self, connection: Connection, stored: ForgetTarget, change: ProposedChange, by: Person
    ) -> ForgetTarget:
        now, proposer = datetime.now(UTC), change.proposer.actor
        write_events(connection, [_at(stored, change, now)], Action.APPROVED, by.actor, proposer)
        remove_change(connection, stored.id)
        if change.kind is ChangeKind.REVOKE:
            target = erased(stored, State.REVOKED, now)
            write_all(connection, [target], Action.REVOKED, by.actor, proposer)
            return target
        if change.kind is ChangeKind.ADD and stored.state is State.ACTIVE:
            # It was urgent, and is in force.
            return stored
        # Its phrases are made by the rules of now, which another version may have changed since.
        made = new_target(change.draft or stored.draft)
        target = replace(made, id=stored.id, revision=change.revision, created_at=stored.created_at)
        refuse_duplicate(connection, target)
        action = Action.ADDED if change.kind is ChangeKind.ADD else Action.CHANGED
        write_all(connection, [target], action, by.actor, proposer)
        return target


def _proposed(target: ForgetTarget) -> ForgetTarget:
    return replace(target, state=State.PROPOSED)


def _at(target: ForgetTarget, change: ProposedChange, at: datetime | None = None) -> ForgetTarget:
    """Return what the audit trail says of a change: the target at the revision that is proposed."""
    return replace(target, revision=change.revision, updated_at=at or change.proposed_at)


def _undecided(connection: Connection, id: str, revision: int) -> ForgetTarget:
    """Return the stored target if it is at `revision`, and is active or proposed."""
    target = found(connection, id)
    if target.state is not State.PROPOSED:
        return found_active(connection, id, revision)
    if revision != target.revision:
        raise StaleRevision(f"the target stands at revision {target.revision}")
    return target


def _refuse_others(change: ProposedChange, by: Person, stored: ForgetTarget) -> None:
    is_urgent = change.kind is ChangeKind.ADD and stored.state is State.ACTIVE
    if change.proposer.identity != by.identity or is_urgent:
        raise AlreadyProposed("a change of this target waits for approval: approve or reject it first")


def _changed(
    stored: ForgetTarget, candidate: ForgetTarget | None, before: ProposedChange | None, by: Person
) -> tuple[ForgetTarget, ProposedChange]:
    now = datetime.now(UTC)
    revision = max(stored.revision, before.revision if before else 0) + 1
    if stored.state is State.PROPOSED:
        if candidate is None:
            raise NothingProposed("the target is not in force: reject what is proposed")
        target = _proposed(replace(candidate, id=stored.id, revision=revision, created_at=stored.created_at))
        kind, base, draft = ChangeKind.ADD, 0, None
    else:
        target, base, draft = stored, stored.revision, candidate.draft if candidate else None
        kind = ChangeKind.REVOKE if candidate is None else ChangeKind.CHANGE
    change = ProposedChange(
        target_id=stored.id,
        kind=kind,
        state=ChangeState.OPEN,
        base=base,
        revision=revision,
        proposer=by,
        proposed_at=now,
        draft=draft,
    )
    return target, change


def _open_change(connection: Connection, id: str, revision: int) -> ProposedChange:
    change = found_change(connection, id)
    if change is None:
        found(connection, id)
    if change is None or not change.is_open:
        raise NothingProposed("no change of this target waits for approval")
    if change.revision != revision:
        raise StaleRevision(f"what is proposed stands at revision {change.revision}")
    return change
