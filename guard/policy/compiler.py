"""From the registry's active targets to the policy in force, compiled off the request path."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from guard.detection.embedder import Embedder, Vectors
from guard.detection.index import TargetIndex
from guard.detection.names import Names
from guard.detection.target_texts import rows_of
from guard.matching.automaton_store import AutomatonStore
from guard.matching.live_automata import publish
from guard.policy.always import Literals
from guard.policy.background import Later
from guard.policy.contextual import Own, Revision, restricts
from guard.policy.policy import Policy
from guard.policy.soft import Softened, SoftOwn, is_soft, sweep
from guard.soft.matching import SoftMatching
from guard.targets.registry import Registry, VectorKey
from guard.targets.target import ForgetTarget, Scope, State
from guard.uld.promoted import Promoted, in_force

log = logging.getLogger(__name__)

# How a target is cut into rows; another way of cutting takes another name, so that kept vectors are not mistaken.
ROWS = "rows-2"
# So many new targets have their automata compiled at once, more of them when they are first touched.
AT_ONCE = 32
# Long enough to find a vocabulary that was embedded before.
SOFT_PATIENCE = 5.0


class Compiler:
    """Builds policies; what a previous policy holds of targets that have not changed since is taken over.

    `folder` is where compiled automata lie for the engine to attach. It belongs to one process: compiling without
    a previous policy removes what earlier processes left there, less the literals that are still in force.
    """

    def __init__(
        self,
        registry: Registry,
        embedder: Embedder,
        folder: Path,
        promoted: Promoted | None = None,
        matching: Callable[[], SoftMatching] | None = None,
    ) -> None:
        self._registry = registry
        self._embedder = embedder
        self._folder = folder
        self._library = AutomatonStore(folder)
        self._promoted = promoted
        self._known: dict[Revision, str] = {}
        # Made for the first target that asks for it: embedding a vocabulary takes minutes.
        self._matching = Later(matching or (lambda: SoftMatching(None, embedder, folder)), SOFT_PATIENCE)
        self._softened: dict[Revision, Softened] = {}
        self._asked_soft = self._lacks_soft = False
        self._empty = Policy(
            version=-1,
            targets={},
            index=TargetIndex.build({}),
            names=Names.build({}),
            literals=Literals(),
            own={},
            automata=self._library,
        )
        self._began = time.time()

    def refresh(self, previous: Policy | None, now: datetime) -> Policy:
        """Expire what is due by `now`; return the policy of the registry and of the assistants promoted by now,
        which is `previous` when nothing changed."""
        self._registry.expire(now)
        soft_is_due = self._lacks_soft and self._matching.get() is not None
        if previous is not None and previous.version == self._registry.version() and not soft_is_due:
            assistants = self._assistants(previous.targets)
            return previous if assistants == previous.assistants else replace(previous, assistants=assistants)
        return self.compile(previous)

    def compile(self, previous: Policy | None = None) -> Policy:
        """Return the policy of the registry's present version; the work is in proportion to what has changed.

        Literals of scope `always` are written, and published to running answers, before it is returned.
        Raises StoreUnavailable, ModelUnavailable or PolicyUnavailable.
        """
        before = previous or self._empty
        version, changed = self._registry.changes(before.version)
        change = _changed(before.targets, changed)
        near, names = self._detection(change, before, fresh=previous is None)
        literals = self._literals(change, before.literals)
        publish(self._folder, literals.digests)
        own = Own(change.targets, self._library, self._known)
        if previous is None:
            # What was written since this process began is in use; clocks of file systems lag a little.
            self._library.sweep(literals.digests, self._began - 1)
            sweep(self._folder, self._began - 1)
        elif len(change.active) <= AT_ONCE:
            for target in change.active:
                own.get(target.id)
        # After the sweep, which would take away what is written again under an earlier process's name.
        soft = self._soft(change)
        return Policy(
            version=version,
            targets=change.targets,
            index=near,
            names=names,
            literals=literals,
            own=own,
            automata=self._library,
            assistants=self._assistants(change.targets),
            soft=soft,
        )

    def _assistants(self, targets: Mapping[str, ForgetTarget]) -> dict[str, str]:
        return in_force(self._promoted.by_target(), targets) if self._promoted else {}

    def _literals(self, change: _Change, before: Literals) -> Literals:
        added = [target for target in change.active if _is_literal(target)]
        everything = (target for target in change.targets.values() if _is_literal(target))
        return before.with_changes(added, change.ids, everything, self._library)

    def _soft(self, change: _Change) -> SoftOwn:
        """Return what is written of targets that are matched softly; nothing while the matching is made."""
        self._asked_soft |= any(map(is_soft, change.active))
        matching = self._matching.get() if self._asked_soft else None
        soft = SoftOwn(change.targets, matching, self._library, self._folder, self._softened)
        lacked, self._lacks_soft = self._lacks_soft, self._asked_soft and matching is None
        if self._lacks_soft and not lacked:
            log.warning("soft matching is being made: until then, targets that ask for it are restricted without")
        # None is left for a request to write, which would wait for it.
        for target in change.targets.values() if lacked else change.active:
            soft.get(target.id)
        return soft

    def _detection(self, change: _Change, before: Policy, fresh: bool) -> _Detection:
        new = [target for target in change.active if target.draft.scope is Scope.CONTEXTUAL]
        removed = [target_id for target_id in change.ids if target_id in before.index]
        if not new and not removed:
            return _Detection(before.index, before.names)
        index = before.index.with_changes(self._vectors(new, fresh), removed)
        called = {target.id: (target.draft.name, *target.draft.aliases) for target in new}
        names = before.names.with_changes(called, removed)
        return _Detection(index, names)

    def _vectors(self, new: list[ForgetTarget], fresh: bool) -> dict[str, Vectors]:
        name = f"{self._embedder.name}/{ROWS}"
        stored = self._registry.vectors(name) if fresh else {}
        vectors = {
            target.id: np.frombuffer(stored[key], np.float32).reshape(-1, self._embedder.dimension)
            for target in new
            if (key := VectorKey(target.id, target.revision)) in stored
        }
        unknown = {target: rows_of(target) for target in new if target.id not in vectors}
        embedded = self._embedder.embed([row.text for rows in unknown.values() for row in rows])
        ends = np.cumsum([len(rows) for rows in unknown.values()])
        parts = dict(zip(unknown, np.split(embedded, ends[:-1]), strict=True)) if unknown else {}
        if parts:
            kept = {VectorKey(target.id, target.revision): part.tobytes() for target, part in parts.items()}
            self._registry.keep_vectors(name, kept)
        return vectors | {target.id: part for target, part in parts.items()}


class _Change(NamedTuple):
    """The active targets as they are now, those of them that changed, and the ids of all that changed or ended."""

    targets: dict[str, ForgetTarget]
    active: list[ForgetTarget]
    ids: list[str]


def _changed(before: Mapping[str, ForgetTarget], changed: Sequence[ForgetTarget]) -> _Change:
    active = [target for target in changed if target.state is State.ACTIVE]
    targets = {**before, **{target.id: target for target in active}}
    for target in changed:
        if target.state is not State.ACTIVE:
            targets.pop(target.id, None)
    return _Change(targets, active, [target.id for target in changed])


class _Detection(NamedTuple):
    near: TargetIndex
    names: Names


def _is_literal(target: ForgetTarget) -> bool:
    return target.draft.scope is Scope.ALWAYS and restricts(target)
