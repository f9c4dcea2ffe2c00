"""Compiles the registry's active targets into a policy, off the request path."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from guard.detection.embedder import Embedder
from guard.detection.index import TargetIndex
from guard.detection.lookup import Lookup
from guard.detection.names import Names
from guard.errors import StoreUnreachable
from guard.evidence.distinctiveness import Evidence, evidence_of
from guard.garbage import no_garbage_collection
from guard.matching.automaton_store import AutomatonStore
from guard.matching.live_automata import publish
from guard.policy.always import AlwaysOnAutomata
from guard.policy.background import BackgroundValue, Merge, Targets
from guard.policy.canary.canaries import Canaries
from guard.policy.change import Change, change_of, classes_after
from guard.policy.contextual import ContextualAutomata, Revision, is_always_on
from guard.policy.folder.enforced_version import RegistryRolledBack, write_enforced_version
from guard.policy.folder.sweep import Sweep
from guard.policy.meaning.indexer import Indexer, known_of
from guard.policy.phrase_counts import PhraseCounts
from guard.policy.policy import Policy
from guard.policy.sets.policies import PolicySets
from guard.policy.soft import SoftContextual, SoftDigests, is_soft
from guard.policy.watch import Watch, WatchAction
from guard.registry.registry import Registry
from guard.soft.matching import SoftMatching
from guard.targets.phrases import names_of
from guard.targets.policy_set import PolicySet
from guard.targets.target import ForgetTarget, Mode, Scope
from guard.uld.promoted import PromotedAssistants, in_force
from guard.workers.required import publish_required

log = logging.getLogger(__name__)

# With more new targets than this, their automata are compiled lazily, when they are first touched.
MAX_EAGER_TARGETS = 32
# Long enough to load the vectors of a vocabulary that was embedded before.
SOFT_TIMEOUT_S = 5.0


class Compiler:
    """Builds policies; what a previous policy holds of targets that have not changed since is reused.

    `folder` is where the engine finds compiled automata. It belongs to one process: compiling without a previous
    policy removes what earlier processes left there, except the always-on automata still in force. The enforced
    version is remembered in `version_folder`, if that is another one.
    """

    def __init__(
        self,
        registry: Registry,
        embedder: Embedder,
        folder: Path,
        promoted: PromotedAssistants | None = None,
        matching: Callable[[], SoftMatching] | None = None,
        watch_action: WatchAction = WatchAction.ANSWER,
        version_folder: Path | None = None,
        policy_sets: Callable[[], Collection[PolicySet]] = frozenset[PolicySet],
    ) -> None:
        """`policy_sets` returns those for which a policy is made with each policy."""
        self._registry = registry
        self._indexer = Indexer(registry, embedder)
        self._folder = folder
        self._version_folder = version_folder or folder
        self._store = AutomatonStore(folder)
        self.policy_sets = PolicySets(self._store, policy_sets)
        self._promoted = promoted
        self._known: dict[Revision, str] = {}
        # What stands in the facts of how many targets, and the version of the policy that it was counted for.
        self._counts, self._counted = PhraseCounts(), -1
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
            watch_action=watch_action,
        )
        self._always_merge = Merge(AlwaysOnAutomata())
        self._watch_merges = {mode: Merge(Watch(mode)) for mode in Mode}
        self._sweep = Sweep(self._store, folder)

    def refresh(self, previous: Policy | None, now: datetime) -> Policy:
        """Expire targets due by `now`; return the policy of the registry and of the assistants promoted by now.

        Returns `previous` itself when nothing changed. Otherwise it does one step of limited length: it takes up
        what has changed or was compiled in the background, or else embeds some of the targets that are pending.
        """
        policy = self._next(previous, now)
        if self.policy_sets.follow(previous, policy):
            publish(self._folder, policy.always.digests, self.policy_sets.live)
        return policy

    def _next(self, previous: Policy | None, now: datetime) -> Policy:
        # A registry that can only be read is followed; what is due to expire stays in force.
        with suppress(StoreUnreachable):
            self._registry.expire(now)
        if previous is not None and self._sweep.is_due:
            self._sweep.sweep(self._needed(previous))
        is_merged = self._always_merge.is_done or any(merge.is_done for merge in self._watch_merges.values())
        is_due = is_merged or (self._awaits_soft and self._matching.get() is not None)
        if previous is not None and previous.version == self._registry.version() and not is_due:
            if previous.lookup.pending:
                return replace(previous, lookup=self._indexer.embed_next(previous.lookup))
            assistants = self._assistants(previous.canaries.over(previous.targets))
            return previous if assistants == previous.assistants else replace(previous, assistants=assistants)
        return self.compile(previous)

    def registry_version(self) -> int:
        """Return the registry's version."""
        return self._registry.version()

    @no_garbage_collection()
    def compile(self, previous: Policy | None = None) -> Policy:
        """Return the policy of the registry's current version; the cost is in proportion to what has changed.

        Without a previous policy all texts are embedded, and phrases that other rules made are made again. After
        one, a change of more than MAX_STEP_TEXTS texts leaves its targets pending, for `refresh` to embed: names
        and phrases are in force. Always-on automata are published before it returns.
        Raises StoreUnavailable, ModelUnavailable or PolicyUnavailable, and RegistryRolledBack for a registry older
        than `previous`, as a standby that took over may be.
        """
        before = previous or self._empty
        if previous is None:
            self._registry.update_phrases()
        version, changed = self._registry.changes(before.version)
        if version < before.version:
            went_back = f"the registry went back from version {before.version} to {version}"
            raise RegistryRolledBack(f"{went_back}: its newest changes are lost")
        change = change_of(before.version, version, before.targets, changed)
        by_meaning = self._indexer.begin(change, before.lookup, previous is None)
        evidence = {t.id: evidence_of(t) for t in change.active if t.draft.scope is Scope.CONTEXTUAL}
        with ThreadPoolExecutor(2, "policy-watch") as beside:
            # Where there is much to compile, these wait for a process.
            watches = [beside.submit(self._watch, change, w, evidence) for w in before.watches]
            lookup = self._lookup(change, before.lookup, evidence, by_meaning)
            context = self._context(before, change)
            always = self._always(change, before.always, context)
            canaries = self._canaries(change, before.canaries, context)
            # What is compiled of a target with a canary share is what is enforced of it in its share.
            acting = canaries.over(change.targets)
            contextual = ContextualAutomata(acting, self._store, self._known)
            watch, shadow_watch = (each.result() for each in watches)
        eager = change.active if previous is not None and len(change.active) <= MAX_EAGER_TARGETS else ()
        compiled = [contextual[target.id] for target in eager if target.id in contextual]
        policy = Policy(
            version=version,
            lookup=lookup,
            always=always,
            contextual=contextual,
            automata=self._store,
            assistants=self._assistants(acting),
            soft=self._soft(change, acting),
            last_complete=before.complete_version,
            near=before.near.with_changes(filter(is_always_on, change.active), change.ids, context),
            context=context,
            watch_action=self._empty.watch_action,
            watch=watch,
            shadow_watch=shadow_watch,
            canaries=canaries,
        )
        self.policy_sets.follow(previous, policy, change)
        self._publish(policy, compiled)
        gone = before.files | contextual.digests_of(change.earlier)
        self._store.unmap(gone - policy.files - self.policy_sets.files - set(compiled))
        if previous is None:
            self._sweep.sweep_earlier(self._needed(policy))
        return policy

    def _publish(self, policy: Policy, compiled: Collection[str]) -> None:
        """Have running answers and workers follow `policy`; `compiled` is of what has changed."""
        always, of_canaries = policy.always.digests, policy.canaries.files
        publish(self._folder, always, self.policy_sets.live)
        of_sets = (digest for digests in self.policy_sets.live.values() for digest in digests)
        publish_required(self._folder, policy.version, (*always, *of_sets, *of_canaries, *compiled))
        # While workers load, as it waits for the disk.
        write_enforced_version(self._version_folder, policy.version)

    def _needed(self, policy: Policy) -> set[str]:
        """Return the digests of the files that `policy` needs; forget those of targets that ended or changed."""
        for known in (self._known, self._soft_digests):
            for each in [each for each in list(known) if not policy.has(*each)]:
                del known[each]
        soft = (digest for digests in self._soft_digests.values() for digest in digests)
        return {*policy.files, *self.policy_sets.files, *list(self._known.values()), *soft}

    def _assistants(self, targets: Mapping[str, ForgetTarget]) -> dict[str, str]:
        return in_force(self._promoted.by_target(), targets) if self._promoted else {}

    def _context(self, before: Policy, change: Change) -> frozenset[str]:
        """Return the folds of what is not forbidden alone, now that targets have changed."""
        if self._counted != before.version:
            self._counts = PhraseCounts(before.targets.values())
        self._counts.update(change.earlier, change.active)
        self._counted = change.version
        return self._counts.context()

    def _always(self, change: Change, before: AlwaysOnAutomata, context: frozenset[str]) -> AlwaysOnAutomata:
        def changed(automata: AlwaysOnAutomata, added: Targets, ended: Targets) -> AlwaysOnAutomata:
            return automata.with_changes(filter(is_always_on, added), ended, self._store, context)

        return self._always_merge.advance(changed(before, change.active, change.earlier), change.targets, changed)

    def _watch(self, change: Change, before: Watch, evidence: Mapping[str, Evidence]) -> Watch:
        def changed(watch: Watch, added: Targets, ended: Targets) -> Watch:
            return watch.with_changes(added, ended, self._store)

        if self._empty.watch_action is WatchAction.OFF:
            return before
        merge = self._watch_merges[before.mode]
        watch = before.with_changes(change.active, change.earlier, self._store, evidence)
        return merge.advance(watch, change.targets, changed)

    def _canaries(self, change: Change, before: Canaries, context: frozenset[str]) -> Canaries:
        is_new = any(target.draft.canary is not None for target in change.active)
        key = self._registry.canary_key() if is_new else before.key
        watches = self._empty.watch_action is not WatchAction.OFF
        return before.with_changes(change.active, change.ids, self._store, key, context, watches=watches)

    def _soft(self, change: Change, acting: Mapping[str, ForgetTarget]) -> SoftContextual:
        """Return the soft matches of the targets; none while the matching is being computed."""
        changed = [acting[target.id] for target in change.active]
        self._wants_soft |= any(map(is_soft, changed))
        matching = self._matching.get() if self._wants_soft else None
        soft = SoftContextual(acting, matching, self._store, self._folder, self._soft_digests)
        awaited, self._awaits_soft = self._awaits_soft, self._wants_soft and matching is None
        if self._awaits_soft and not awaited:
            log.warning(
                "soft matching is being prepared: until then, targets that ask for it are restricted without it"
            )
        # All are written now, so that no request has to wait for one.
        for target in acting.values() if awaited else changed:
            soft.get(target.id)
        return soft

    def _lookup(
        self, change: Change, before: Lookup, evidence: Mapping[str, Evidence], by_meaning: Future[Lookup]
    ) -> Lookup:
        known = known_of(change, before)
        new = [target for target in change.active if target.draft.scope is Scope.CONTEXTUAL]
        names, phrases = before.names, before.phrases
        if new or known:
            names = names.with_changes({t.id: names_of(t.draft) for t in new}, known)
            phrases = phrases.with_changes({t.id: evidence[t.id].distinctive for t in new}, known)
        classes = classes_after(change, before.classes)
        # Waited for last: what it does leaves the interpreter to the rest.
        return replace(by_meaning.result(), targets=change.targets, names=names, phrases=phrases, classes=classes)
