"""The registry: forget targets, their audit trail and the policy version, changed in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from guard.encryption.sealing import Secret
from guard.registry.approval.approvals import Approvals
from guard.registry.approval.proposed import overdue_targets
from guard.registry.approval.rule import Approval, refuse_other_rule
from guard.registry.database import Location, PostgresUrl, VectorKey
from guard.registry.drafts import (
    Added,
    DraftStanding,
    missing,
    new_target,
    new_targets,
    refuse_duplicates,
    standings,
)
from guard.registry.elicitations import Elicitations
from guard.registry.history.versions import Versions
from guard.registry.keys.store import KeyStore
from guard.registry.opening import open_registry
from guard.registry.outside import cases, deliveries
from guard.registry.phrase_updates import update_phrases
from guard.registry.records import (
    EVENT_COLUMNS,
    TARGET_COLUMNS,
    erased,
    event_of,
    found,
    found_active,
    policy_version,
    refuse_duplicate,
    target_of,
    write_all,
    write_revealed,
)
from guard.registry.replicas import Replicas
from guard.registry.rows.canaries import canary_key
from guard.registry.rows.vectors import keep_vectors
from guard.registry.search import (
    EventSearch,
    Page,
    Snapshot,
    TargetSearch,
    changes,
    find_targets,
    first_broken_event,
    latest_events,
    snapshot,
)
from guard.targets.audit_log import Action, Actor, Event, acting
from guard.targets.target import Draft, ForgetTarget, State

# Named here because `Registry.list` hides the built-in from the annotations of its class.
Targets = list[ForgetTarget]
Events = list[Event]


class Registry:
    """Forget targets in a database: changes survive a crash once a call returns; failed calls change nothing.

    Every mutation is one transaction of row, audit event and `version() + 1`. Thread-safe; raises only the errors
    of `guard.errors`. Texts of a target that is revoked or expires are erased. Where a mutation takes a `rule` of
    approval, it raises `StaleRevision` if another one is in force by then.
    """

    def __init__(self, location: Location, key: Secret | None = None) -> None:
        database = self._database = open_registry(location, key)
        self.replicas, self.keys = Replicas(database), KeyStore(database)
        self.deliveries, self.cases = deliveries.Deliveries(database), cases.Cases(database)
        self.approvals, self.versions = Approvals(database), Versions(database)
        self.elicitations = Elicitations(database)
        self.shared = database if isinstance(location, PostgresUrl) else None  # as a file is not

    def close(self) -> None:
        """Release the database."""
        self._database.close()

    def add(self, draft: Draft, rule: Approval | None = None) -> ForgetTarget:
        """Store a new active target. Raises `InvalidTarget` or `DuplicateTarget`."""
        target = new_target(draft)
        with self._database.writing() as connection:
            refuse_other_rule(connection, rule)
            refuse_duplicate(connection, target)
            write_all(connection, [target], Action.ADDED, acting())
        return target

    def add_many(self, drafts: Sequence[Draft], rule: Approval | None = None) -> Targets:
        """Store all of `drafts` under one policy version, or none; `field` of an error starts at `targets[i]`."""
        targets = new_targets(drafts)
        if targets:
            with self._database.writing() as connection:
                refuse_other_rule(connection, rule)
                refuse_duplicates(connection, targets)
                write_all(connection, targets, Action.ADDED, acting())
        return targets

    def add_missing(self, drafts: Sequence[Draft], rule: Approval | None = None) -> Added:
        """Do as `add_many`, without the drafts whose kind and name an active target or an earlier draft has."""
        targets = new_targets(drafts)
        with self._database.writing() as connection:
            refuse_other_rule(connection, rule)
            added = missing(connection, targets)
            if added.targets:
                write_all(connection, added.targets, Action.ADDED, acting())
        return added

    def standings(self, drafts: Sequence[Draft]) -> Sequence[DraftStanding]:
        """Return what would become of each draft in `add_missing`; nothing is written."""
        with self._database.reading() as connection:
            return standings(connection, drafts)

    def preview(self, draft: Draft) -> ForgetTarget:
        """Return what `add` would store, raising what it would raise; nothing is written."""
        target = new_target(draft)
        with self._database.reading() as connection:
            refuse_duplicate(connection, target)
        return target

    def get(self, id: str) -> ForgetTarget:
        """Return the target, whatever its state. Raises `UnknownTarget`."""
        with self._database.reading() as connection:
            return found(connection, id)

    def list(self, after: str | None = None, limit: int = 100, state: State | None = None) -> Page:
        """Return up to `limit` targets added after the one named by `after` (else raises `UnknownTarget`)."""
        return self.find(TargetSearch(state=state), after, limit)

    def find(self, search: TargetSearch, after: str | None = None, limit: int = 100) -> Page:
        """Do as `list`, with the targets alone that `search` means."""
        with self._database.reading() as connection:
            return find_targets(connection, search, after, limit)

    def note_revealed(self, ids: Sequence[str]) -> None:
        """Note in the audit trail that somebody read the texts of these targets. Raises `UnknownTarget`."""
        with self._database.writing() as connection:
            write_revealed(connection, [found(connection, id) for id in ids], datetime.now(UTC))

    def change(self, id: str, draft: Draft, revision: int, rule: Approval | None = None) -> ForgetTarget:
        """Replace the draft of an active target that is still at `revision`; its phrases are extracted again.

        Raises `UnknownTarget`, `StaleRevision`, `InvalidTarget` or `DuplicateTarget`.
        """
        candidate = new_target(draft)
        with self._database.writing() as connection:
            refuse_other_rule(connection, rule)
            stored = found_active(connection, id, revision)
            target = replace(candidate, id=id, revision=stored.revision + 1, created_at=stored.created_at)
            refuse_duplicate(connection, target)
            write_all(connection, [target], Action.CHANGED, acting())
        self._database.scrub()
        return target

    def revoke(self, id: str, revision: int | None = None, rule: Approval | None = None) -> ForgetTarget:
        """End an active target and erase its texts; a record without texts remains. Raises as `change` does."""
        with self._database.writing() as connection:
            refuse_other_rule(connection, rule)
            target = erased(found_active(connection, id, revision), State.REVOKED, datetime.now(UTC))
            write_all(connection, [target], Action.REVOKED, acting())
        self._database.scrub()
        return target

    def expire(self, now: datetime) -> int:
        """End every active target whose `expires_at` is not after `now`, erase its texts; return how many.

        Of targets that wait for approval, those that would have ended are rejected.
        """
        due = f"SELECT {TARGET_COLUMNS} FROM targets WHERE state = 'active' AND expires_at <= ?"
        with self._database.reading() as connection:
            is_due = connection.execute(f"{due} LIMIT 1", (now.timestamp(),)).fetchone() is not None
            overdue = overdue_targets(connection, now)
        targets: Targets = []
        if is_due:
            with self._database.writing() as connection:
                rows = connection.execute(due, (now.timestamp(),))
                targets = [erased(target_of(connection, row), State.EXPIRED, now) for row in rows]
                if targets:
                    write_all(connection, targets, Action.EXPIRED, Actor.CLOCK)
        if targets:
            self._database.scrub()
        # Last, so that nothing that is amiss with a proposal keeps a target from its end.
        self.approvals.reject_overdue(overdue)
        return len(targets)

    @property
    def encrypted(self) -> bool:
        """Whether what tells targets is encrypted in the database."""
        return self.files_key() is not None

    def files_key(self) -> Secret | None:
        """Return the key that seals files of the servers of this registry, None if nothing is encrypted."""
        return self._database.texts.files_key

    def update_phrases(self) -> int:
        """Do as the function of this name, and return of how many targets."""
        return update_phrases(self._database)

    async def listen(self, changed: Callable[[], object]) -> None:
        """Call `changed` soon after any process has changed the policy, until cancelled. Hints can be missed."""
        await self._database.listen(changed)

    def version(self) -> int:
        """Return the policy version: the number of mutations so far."""
        with self._database.reading() as connection:
            return policy_version(connection)

    def active(self) -> Targets:
        """Return every active target, in the order they were added."""
        return self.snapshot().targets

    def snapshot(self) -> Snapshot:
        """Return the active targets and the policy version they belong to, read together."""
        with self._database.reading() as connection:
            return snapshot(connection)

    def changes(self, since: int) -> Snapshot:
        """Return every target that changed after policy version `since`, whatever its state, and the version read.

        A negative `since` returns all active targets.
        """
        with self._database.reading() as connection:
            return snapshot(connection) if since < 0 else changes(connection, since)

    def canary_key(self) -> bytes:
        """Return the key by which canary shares are decided, empty before a target had one."""
        with self._database.reading() as connection:
            return canary_key(connection)

    def changed_at(self, since: int) -> dict[str, int]:
        """Return by id of each target that changed after policy version `since` the version of its last change."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT target_id, max(policy_version) FROM events WHERE policy_version > ? GROUP BY target_id",
                (since,),
            )
            return dict(rows)

    def counts(self) -> Mapping[State, int]:
        """Return the number of targets in each state."""
        with self._database.reading() as connection:
            stored = dict(connection.execute("SELECT state, count(*) FROM targets GROUP BY state"))
        return {state: stored.get(state.value, 0) for state in State}

    def events(self, after: int = 0, limit: int = 100) -> Events:
        """Return up to `limit` audit events with a `seq` above `after`, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
            )
            return [event_of(row) for row in rows]

    def latest_events(self, search: EventSearch, before: int | None = None, limit: int = 100) -> Events:
        """Return up to `limit` of the audit events that `search` means, newest first, below `before`."""
        with self._database.reading() as connection:
            return latest_events(connection, search, before, limit)

    def first_broken_event(self, after: int = 0, limit: int | None = None) -> int | None:
        """Return the first `seq` at which the audit trail was altered, None if it is intact.

        Up to `limit` events (all, if None) after the event `after` are checked; that event's digest is
        trusted.
        """
        with self._database.reading() as connection:
            return first_broken_event(connection, after, limit)

    def vectors(self, embedder: str) -> dict[VectorKey, bytes]:
        """Return the cached vectors of `embedder`, as little-endian float32."""
        with self._database.reading() as connection:
            return connection.texts.open_vectors(connection, embedder)

    def keep_vectors(self, embedder: str, vectors: Mapping[VectorKey, bytes]) -> None:
        """Do as the function of this name."""
        keep_vectors(self._database, embedder, vectors)
