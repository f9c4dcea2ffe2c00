"""Always-on phrases: those of scope `always`, in force in every answer, as a few automata of which one changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from guard.matching.automaton_store import AutomatonStore
from guard.policy.exemptions import common_exemptions
from guard.policy.phrase_counts import never_alone
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget
from guard.text.normalise import fold

# With more recent phrases than this, the small automaton is left as it is and another one begun.
MAX_RECENT_PHRASES = 2_000
# With more automata left so than this, all phrases are compiled together, which takes longer the more there are.
MAX_FULL_AUTOMATA = 3


@dataclass(frozen=True, slots=True)
class AlwaysOnAutomata:
    """An immutable set of targets of scope `always`, compiled.

    settled  by target id, the revision whose phrases are in the automaton `base` or one of `full`
    recent   the targets whose phrases are in the automaton `fresh`
    base, fresh  digests; "" for none
    full     digests of small automata that no target is added to any more
    left_out the phrases of settled targets that were context when they were compiled, by their folds. Those that
             are no longer are in the automaton `fresh`
    recently_left_out  folds of those of recent targets that were context when `fresh` was compiled
    """

    settled: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, ForgetTarget] = field(default_factory=dict, repr=False)
    base: str = ""
    fresh: str = ""
    full: tuple[str, ...] = ()
    left_out: Mapping[str, Collection[str]] = field(default_factory=dict, repr=False)
    recently_left_out: Collection[str] = field(default=frozenset(), repr=False)

    @property
    def digests(self) -> tuple[str, ...]:
        """The automata in force, the larger first."""
        return tuple(digest for digest in (self.base, *self.full, self.fresh) if digest)

    def holds(self, target: str) -> bool:
        """Whether the phrases of this target are in force."""
        return target in self.settled or target in self.recent

    def with_changes(
        self,
        added: Iterable[ForgetTarget],
        removed: Collection[str],
        all_targets: Iterable[ForgetTarget],
        store: AutomatonStore,
        context: frozenset[str] = frozenset(),
    ) -> AlwaysOnAutomata:
        """Return a new set without `removed` and with `added`, its automata written to `store`.

        Added targets go into the small automaton. All are compiled together, from `all_targets` in force after the
        change, once there are too many or a settled target is removed or changed.

        `context` has the folds of phrases that are not forbidden alone. What becomes context stays in the large
        automaton until that is compiled again; what no longer is goes into the small one.
        """
        new = {target.id: target for target in added}
        touched = new.keys() | set(removed)
        back = {phrase for folded, spelt in self.left_out.items() if folded not in context for phrase in spelt}
        restored = back or not context.issuperset(self.recently_left_out)
        if not any(map(self.holds, touched)) and not new and not restored:
            return self
        recent = {id: target for id, target in self.recent.items() if id not in touched} | new
        phrases, left_out = _phrases(recent.values(), context)
        phrases |= back
        too_many = len(phrases) > MAX_RECENT_PHRASES
        may_be_full = self.recent and len(self.full) < MAX_FULL_AUTOMATA
        if too_many and may_be_full and not restored and not any(map(self.holds, touched)):
            return self._with_full(context).with_changes(new.values(), (), all_targets, store, context)
        if too_many or any(id in self.settled for id in touched):
            everyone = {target.id: target for target in all_targets}
            phrases, left_out = _phrases(everyone.values(), context)
            settled = {target.id: target.revision for target in everyone.values()}
            return AlwaysOnAutomata(settled, {}, _write(phrases, everyone.values(), store), left_out=left_out)
        fresh = _write(phrases, recent.values(), store)
        return replace(self, recent=recent, fresh=fresh, recently_left_out=left_out.keys())

    def _with_full(self, context: frozenset[str]) -> AlwaysOnAutomata:
        """Return the same set with the small automaton among those that are full, and no recent target."""
        settled = {**self.settled, **{target.id: target.revision for target in self.recent.values()}}
        left_out: dict[str, Collection[str]] = dict(self.left_out)
        for folded, spelt in _phrases(self.recent.values(), context)[1].items():
            # Others became context later, and are in the automaton.
            if folded in self.recently_left_out:
                left_out[folded] = {*left_out.get(folded, ()), *spelt}
        return AlwaysOnAutomata(settled, {}, self.base, full=(*self.full, self.fresh), left_out=left_out)


def _write(phrases: Collection[str], targets: Iterable[ForgetTarget], store: AutomatonStore) -> str:
    return store.write(phrases, common_exemptions(targets)) if phrases else ""


def _phrases(targets: Iterable[ForgetTarget], context: frozenset[str]) -> tuple[set[str], dict[str, set[str]]]:
    """Return what the targets forbid, and by its fold what none of them forbids alone."""
    phrases: set[str] = set()
    left_out: dict[str, set[str]] = {}
    for target in targets:
        alone = never_alone(target.draft, context)
        for phrase in enforced(target):
            if alone and (folded := fold(phrase)) in alone:
                left_out.setdefault(folded, set()).add(phrase)
            else:
                phrases.add(phrase)
    return phrases, left_out
