"""Always-on phrases: those of scope `always`, in force in every answer, as two automata of which one changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from guard.matching.automaton_store import AutomatonStore
from guard.policy.exemptions import common_exemptions
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget

# With more recent phrases than this, all are compiled together, which takes longer the more there are.
MAX_RECENT_PHRASES = 2_000


@dataclass(frozen=True, slots=True)
class AlwaysOnAutomata:
    """An immutable set of targets of scope `always`, compiled.

    settled  by target id, the revision whose phrases are in the automaton `base`
    recent   the targets whose phrases are in the automaton `fresh`
    base, fresh  digests; "" for none
    """

    settled: Mapping[str, int] = field(default_factory=dict)
    recent: Mapping[str, ForgetTarget] = field(default_factory=dict, repr=False)
    base: str = ""
    fresh: str = ""

    @property
    def digests(self) -> tuple[str, ...]:
        """The automata in force, the larger first."""
        return tuple(digest for digest in (self.base, self.fresh) if digest)

    def holds(self, target: str) -> bool:
        """Whether the phrases of this target are in force."""
        return target in self.settled or target in self.recent

    def with_changes(
        self,
        added: Iterable[ForgetTarget],
        removed: Collection[str],
        all_targets: Iterable[ForgetTarget],
        store: AutomatonStore,
    ) -> AlwaysOnAutomata:
        """Return a new set without `removed` and with `added`, its automata written to `store`.

        Added targets go into the small automaton. Both are compiled again, from `all_targets` in force after the
        change, once the small one has grown too large or a settled target is removed or changed.
        """
        new = {target.id: target for target in added}
        touched = new.keys() | set(removed)
        if not any(map(self.holds, touched)) and not new:
            return self
        recent = {id: target for id, target in self.recent.items() if id not in touched} | new
        phrases = _phrases(recent.values())
        if len(phrases) > MAX_RECENT_PHRASES or any(id in self.settled for id in touched):
            everyone = {target.id: target for target in all_targets}
            phrases = _phrases(everyone.values())
            settled = {target.id: target.revision for target in everyone.values()}
            return AlwaysOnAutomata(settled, {}, _write(phrases, everyone.values(), store))
        return AlwaysOnAutomata(self.settled, recent, self.base, _write(phrases, recent.values(), store))


def _write(phrases: Collection[str], targets: Iterable[ForgetTarget], store: AutomatonStore) -> str:
    return store.write(phrases, common_exemptions(targets)) if phrases else ""


def _phrases(targets: Iterable[ForgetTarget]) -> set[str]:
    return {phrase for target in targets for phrase in enforced(target)}
