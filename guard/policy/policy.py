"""The policy: everything that holds at one version, as one immutable value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from guard.detection.lookup import Lookup
from guard.matching.automaton import Automaton
from guard.matching.patterns import Exemption
from guard.patterns.value_class import ValueClass
from guard.policy.always import AlwaysOnAutomata
from guard.policy.canary.canaries import Canaries
from guard.policy.near import AlwaysNear
from guard.policy.soft import SoftDigests
from guard.policy.watch import Watch, WatchAction
from guard.targets.policy_set import ALL, PolicySet, set_id
from guard.targets.target import ForgetTarget, Method, Mode, Scope


class Automata(Protocol):
    """Compiled automata by digest. Raises PolicyUnavailable when a file is missing or damaged, or cannot be
    written."""

    def __getitem__(self, digest: str) -> Automaton: ...

    def write(self, phrases: Collection[str], exemptions: Collection[Exemption] = ()) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Policy:
    """An immutable, numbered snapshot of the active forget targets, compiled.

    version     the registry's version. Its phrases and names are in force; the meaning of the targets that are
                pending in `lookup` follows
    last_complete  the last version before this one under which no target was pending
    lookup      the targets by id, and what the detector finds the contextual ones by
    always      the always-on phrases: those of the enforced targets of scope `always`, in force in every answer
    contextual  by id of an enforced contextual target with phrases to forbid: the digest of its automaton
    automata    by digest, mapped from the files that the engine maps too
    assistants  by id of an enforced contextual target with the method uld: the digest of its promoted assistant
    soft        by id of an enforced contextual target with soft matching: the digests of its files
    near        what no answer may nearly say: the long phrases of scope `always`
    context     folds of extracted phrases of many targets, which are not always-on (guard.policy.phrase_counts)
    watch_action  what is done about what the enforced contextual targets are told by, in every answer
    tags        the policy set that it holds for, see guard.targets.policy_set; empty for all targets
    watch, shadow_watch  names and decisive phrases of the enforced contextual targets, and of those in shadow
    canaries    the targets in shadow that are enforced for a share of conversations
    sharing     those of them that are enforced here, see guard.policy.sets.shares; the policy that others are made
                from has none
    """

    version: int
    lookup: Lookup = field(repr=False)
    always: AlwaysOnAutomata = field(repr=False)
    contextual: Mapping[str, str] = field(repr=False)
    automata: Automata = field(repr=False)
    assistants: Mapping[str, str] = field(repr=False, default_factory=dict)
    soft: Mapping[str, SoftDigests] = field(repr=False, default_factory=dict)
    last_complete: int = 0
    near: AlwaysNear = field(repr=False, default_factory=AlwaysNear)
    context: frozenset[str] = field(repr=False, default=frozenset())
    watch_action: WatchAction = WatchAction.OFF
    tags: PolicySet = ALL
    watch: Watch = field(repr=False, default=Watch(Mode.ENFORCE))
    shadow_watch: Watch = field(repr=False, default=Watch(Mode.SHADOW))
    canaries: Canaries = field(repr=False, default_factory=Canaries)
    sharing: frozenset[str] = frozenset()

    @property
    def complete_version(self) -> int:
        """The latest version that is in force in full, by meaning too."""
        return self.last_complete if self.lookup.pending else self.version

    def has_applied(self, version: int, targets: Collection[str] = ()) -> bool:
        """Whether `version` is in force: in full, or for these `targets` if any are named."""
        if self.version < version:
            return False
        return self.complete_version >= version or (
            bool(targets) and not any(target in self.lookup.pending for target in targets)
        )

    @property
    def watches(self) -> tuple[Watch, Watch]:
        """Both of them."""
        return self.watch, self.shadow_watch

    @property
    def files(self) -> frozenset[str]:
        """The digests of the files of what is looked for in every answer."""
        return self.canaries.files.union(*(each.layers.files for each in (self.always, *self.watches)))

    @property
    def set_id(self) -> str:
        """The id of the policy set that it holds for, "" for all targets."""
        return set_id(self.tags)

    @property
    def targets(self) -> Mapping[str, ForgetTarget]:
        """The active targets by id."""
        return self.lookup.targets

    def has(self, target_id: str, revision: int) -> bool:
        """Whether this revision of the target is in force."""
        target = self.targets.get(target_id)
        return target is not None and target.revision == revision

    def classes(self, touched: Collection[str]) -> tuple[ValueClass, ...]:
        """Return the classes of values that may not be said in an answer that touches these enforced targets."""
        found: dict[ValueClass, None] = {}
        for id, classes in self.lookup.classes.items():
            draft = self.targets[id].draft
            enforced = draft.mode is Mode.ENFORCE and draft.methods != (Method.DECLINE,)
            if enforced and (draft.scope is Scope.ALWAYS or id in touched):
                found |= dict.fromkeys(classes)
        return tuple(found)

    @property
    def shadow_classes(self) -> tuple[str, ...]:
        """The targets in shadow that have classes of values, of either scope."""
        return tuple(id for id in self.lookup.classes if self.targets[id].draft.mode is Mode.SHADOW)

    @property
    def counts(self) -> Mapping[Mode, int]:
        """How many active targets are in each mode."""
        counted = Counter(target.draft.mode for target in self.targets.values())
        return {mode: counted[mode] for mode in Mode}
