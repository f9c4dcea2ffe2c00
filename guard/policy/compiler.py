"""Compiles the registry's active targets into a policy, off the request path."""

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
from guard.detection.lookup import Lookup
from guard.detection.names import Names
from guard.detection.target_texts import target_texts
from guard.matching.automaton_store import AutomatonStore
from guard.matching.live_automata import publish
from guard.policy.always import AlwaysOnAutomata
from guard.policy.background import BackgroundValue
from guard.policy.contextual import ContextualAutomata, Revision, restricts
from guard.policy.enforced_version import write_enforced_version
from guard.policy.policy import Policy
from guard.policy.soft import SoftContextual, SoftDigests, is_soft, sweep
from guard.soft.matching import SoftMatching
from guard.targets.registry import Registry, VectorKey
from guard.targets.target import ForgetTarget, Scope, State
from guard.uld.promoted import PromotedAssistants, in_force

log = logging.getLogger(__name__)

# Names the way a target is cut into texts; change it with that, so that stored vectors are computed again.
CHUNKING_VERSION = "rows-2"
# With more new targets than this, their automata are compiled lazily, when they are first touched.
MAX_EAGER_TARGETS = 32
# Long enough to load the vectors of a vocabulary that was embedded before.
SOFT_TIMEOUT_S = 5.0


class Compiler:
    """Builds policies; what a previous policy holds of targets that have not changed since is reused.

    `folder` is where the engine finds compiled automata. It belongs to one process: compiling without a previous
    policy removes what earlier processes left there, except the always-on automata still in force.
    """

    def __init__(
        self,
        registry: Registry,
        embedder: Embedder,
        folder: Path,
        promoted: PromotedAssistants | None = None,
        matching: Callable[[], SoftMatching] | None = None,
    ) -> None:
        self._registry = registry
        self._embedder = embedder
        self._folder = folder
        self._store = AutomatonStore(folder)
        self._promoted = promoted
        self._known: dict[Revision, str] = {}
        # Computed for the first target that asks for it: embedding a vocabulary takes minutes.
        self._matching = BackgroundValue(
            matching or (lambda: SoftMatching(None, embedder, folder)), SOFT_TIMEOUT_S
        )
        self._soft_digests: dict[Revision, SoftDigests] = {}
        # Whether any target so far wants soft matching, and whether the last policy still lacks it.
        self._wants_soft = self._awaits_soft = False
        self._empty = Policy(
            version=-1,
            lookup=Lookup({}, Names.build({}), TargetIndex.build({})),
            always=AlwaysOnAutomata(),
            contextual={},
            automata=self._store,
        )
        self._began = time.time()

    def refresh(self, previous: Policy | None, now: datetime) -> Policy:
        """Expire targets due by `now`; return the policy of the registry and of the assistants promoted by now.

        Returns `previous` itself when nothing changed.
        """
        self._registry.expire(now)
        soft_is_due = self._awaits_soft and self._matching.get() is not None
        if previous is not None and previous.version == self._registry.version() and not soft_is_due:
            assistants = self._assistants(previous.targets)
            return previous if assistants == previous.assistants else replace(previous, assistants=assistants)
        return self.compile(previous)

    def compile(self, previous: Policy | None = None) -> Policy:
        """Return the policy of the registry's current version; the cost is in proportion to what has changed.

        Always-on automata are written, and published to running answers, before it returns.
        Raises StoreUnavailable, ModelUnavailable or PolicyUnavailable.
        """
        before = previous or self._empty
        version, changed = self._registry.changes(before.version)
        change = _changed(before.targets, changed)
        lookup = self._lookup(change, before.lookup, fresh=previous is None)
        always = self._always(change, before.always)
        publish(self._folder, always.digests)
        write_enforced_version(self._folder, version)
        contextual = ContextualAutomata(change.targets, self._store, self._known)
        if previous is None:
            # Files written since this process began are in use; clocks of file systems lag a little.
            self._store.sweep(always.digests, self._began - 1)
            sweep(self._folder, self._began - 1)
        elif len(change.active) <= MAX_EAGER_TARGETS:
            for target in change.active:
                contextual.get(target.id)
        # After the sweep, which would remove a file whose name an earlier process used too.
        soft = self._soft(change)
        return Policy(
            version=version,
            lookup=lookup,
            always=always,
            contextual=contextual,
            automata=self._store,
            assistants=self._assistants(change.targets),
            soft=soft,
        )

    def _assistants(self, targets: Mapping[str, ForgetTarget]) -> dict[str, str]:
        return in_force(self._promoted.by_target(), targets) if self._promoted else {}

    def _always(self, change: _Change, before: AlwaysOnAutomata) -> AlwaysOnAutomata:
        added = [target for target in change.active if _is_always_on(target)]
        all_targets = (target for target in change.targets.values() if _is_always_on(target))
        return before.with_changes(added, change.ids, all_targets, self._store)

    def _soft(self, change: _Change) -> SoftContextual:
        """Return the soft matches of the targets; none while the matching is being computed."""
        self._wants_soft |= any(map(is_soft, change.active))
        matching = self._matching.get() if self._wants_soft else None
        soft = SoftContextual(change.targets, matching, self._store, self._folder, self._soft_digests)
        awaited, self._awaits_soft = self._awaits_soft, self._wants_soft and matching is None
        if self._awaits_soft and not awaited:
            log.warning(
                "soft matching is being prepared: until then, targets that ask for it are restricted without it"
            )
        # All are written now, so that no request has to wait for one.
        for target in change.targets.values() if awaited else change.active:
            soft.get(target.id)
        return soft

    def _lookup(self, change: _Change, before: Lookup, fresh: bool) -> Lookup:
        new = [target for target in change.active if target.draft.scope is Scope.CONTEXTUAL]
        removed = [target_id for target_id in change.ids if target_id in before.index]
        if not new and not removed:
            return replace(before, targets=change.targets)
        index = before.index.with_changes(self._vectors(new, fresh), removed)
        named = {target.id: (target.draft.name, *target.draft.aliases) for target in new}
        names = before.names.with_changes(named, removed)
        return Lookup(change.targets, names, index)

    def _vectors(self, new: list[ForgetTarget], fresh: bool) -> dict[str, Vectors]:
        name = f"{self._embedder.name}/{CHUNKING_VERSION}"
        stored = self._registry.vectors(name) if fresh else {}
        vectors = {
            target.id: np.frombuffer(stored[key], np.float32).reshape(-1, self._embedder.dimension)
            for target in new
            if (key := VectorKey(target.id, target.revision)) in stored
        }
        unknown = {target: target_texts(target) for target in new if target.id not in vectors}
        embedded = self._embedder.embed([one.text for texts in unknown.values() for one in texts])
        ends = np.cumsum([len(texts) for texts in unknown.values()])
        parts = dict(zip(unknown, np.split(embedded, ends[:-1]), strict=True)) if unknown else {}
        if parts:
            kept = {VectorKey(target.id, target.revision): part.tobytes() for target, part in parts.items()}
            self._registry.keep_vectors(name, kept)
        return vectors | {target.id: part for target, part in parts.items()}


class _Change(NamedTuple):
    """All active targets, those of them that changed, and the ids of all that changed or ended."""

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


def _is_always_on(target: ForgetTarget) -> bool:
    return target.draft.scope is Scope.ALWAYS and restricts(target)
