"""Brings the index of targets' vectors up to date: reads them from the registry, or embeds their texts."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from guard.detection.embedder import Embedder, Vectors
from guard.detection.lookup import Lookup, PendingTarget, smallest_first
from guard.detection.target_texts import first_of, target_texts, vectors_name
from guard.errors import StoreUnreachable
from guard.policy.change import Change
from guard.registry.database import VectorKey
from guard.registry.registry import Registry
from guard.targets.target import ForgetTarget, Scope

log = logging.getLogger(__name__)

LOG_PERIOD_S = 10.0  # between two lines of progress


class Indexer:
    """Embeds the texts of contextual targets, keeps the vectors in the registry, and indexes them."""

    def __init__(self, registry: Registry, embedder: Embedder) -> None:
        self._registry = registry
        self._embedder = embedder
        # Always the same thread: what an encoder needs for each is made once.
        self._thread = ThreadPoolExecutor(1, "policy-meaning")

    def begin(self, change: Change, before: Lookup, fresh: bool) -> Future[Lookup]:
        """Begin to work out `after` beside the caller: encoder and index leave the interpreter to others."""
        return self._thread.submit(self.after, change, before, fresh)

    def after(self, change: Change, before: Lookup, fresh: bool) -> Lookup:
        """Return `before` with the index and the pending targets that it has after a change.

        `fresh`: without a policy before; all vectors are read from the registry, and what it lacks is embedded.
        Else a change of more than MAX_STEP_TEXTS texts leaves its targets pending.
        """
        new = [target for target in change.active if target.draft.scope is Scope.CONTEXTUAL]
        known = known_of(change, before)
        if not new and not known:
            return before
        changed = set(change.ids)
        pending = {id: each for id, each in before.pending.items() if id not in changed}
        if fresh or len(list(first_of(new))) == len(new):
            removed = [id for id in known if id in before.index]
            return replace(
                before, index=before.index.with_changes(self._vectors(new, fresh), removed), pending=pending
            )
        versions = self._registry.changed_at(change.since)
        pending |= {target.id: PendingTarget(target, versions[target.id]) for target in new}
        # A target that changed is found by its earlier vectors until it is embedded again.
        ended = [id for id in known if id in before.index and id not in pending]
        return replace(before, index=before.index.with_changes({}, ended), pending=pending)

    def embed_next(self, before: Lookup) -> Lookup:
        """Return `before` with more of its pending targets embedded, those of the smallest changes first."""
        chosen = list(first_of(smallest_first(before.pending)))
        removed = [target.id for target in chosen if target.id in before.index]
        index = before.index.with_changes(self._vectors(chosen, fresh=False), removed)
        done = {target.id for target in chosen}
        pending = {id: each for id, each in before.pending.items() if id not in done}
        return replace(before, index=index, pending=pending)

    def _vectors(self, new: list[ForgetTarget], fresh: bool) -> dict[str, Vectors]:
        name = vectors_name(self._embedder.name)
        stored = self._registry.vectors(name) if fresh else {}
        vectors = {
            target.id: np.frombuffer(stored[key], np.float32).reshape(-1, self._embedder.dimension)
            for target in new
            if (key := VectorKey(target.id, target.revision)) in stored
        }
        unknown = [target for target in new if target.id not in vectors]
        logged = time.monotonic()
        while unknown:
            if time.monotonic() - logged >= LOG_PERIOD_S:
                logged = time.monotonic()
                log.info("embedding targets before the first policy: %d of %d are left", len(unknown), len(new))
            # What is embedded is kept, so that a start that is interrupted has not worked in vain.
            chosen = list(first_of(unknown))
            unknown = unknown[len(chosen) :]
            vectors |= self._embedded(name, chosen)
        return vectors

    def _embedded(self, name: str, targets: list[ForgetTarget]) -> dict[str, Vectors]:
        texts = [target_texts(target) for target in targets]
        embedded = self._embedder.embed([one.text for each in texts for one in each])
        parts = np.split(embedded, np.cumsum([len(each) for each in texts])[:-1])
        kept = {VectorKey(one.id, one.revision): part.tobytes() for one, part in zip(targets, parts, strict=True)}
        try:
            self._registry.keep_vectors(name, kept)
        except StoreUnreachable as error:
            log.warning("the next start embeds %d targets again: %s", len(targets), error.message)
        return {target.id: part for target, part in zip(targets, parts, strict=True)}


def known_of(change: Change, before: Lookup) -> list[str]:
    """Return the ids of those that changed or ended which were found by their meaning, or waited to be."""
    return [id for id in change.ids if id in before.index or id in before.pending]
