"""The literals of scope `always`: in force in every answer, as two automata of which one changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from guard.matching.automaton_store import AutomatonStore
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget

# So many recent phrases are settled: compiled together with all others, which takes longer the more there are.
MOST_RECENT = 2_000


@dataclass(frozen=True, slots=True)
class Literals:
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
        everything: Iterable[ForgetTarget],
        library: AutomatonStore,
    ) -> Literals:
        """Return other literals, without `removed` and with `added`, their automata written to `library`.

        What is added goes into the small automaton. Both are compiled anew, from `everything` that is then in
        force, once that has grown or something settled is removed or changed.
        """
        new = {target.id: target for target in added}
        touched = new.keys() | set(removed)
        if not any(map(self.holds, touched)) and not new:
            return self
        recent = {id: target for id, target in self.recent.items() if id not in touched} | new
        phrases = _phrases(recent.values())
        if len(phrases) > MOST_RECENT or any(id in self.settled for id in touched):
            everyone = {target.id: target for target in everything}
            phrases = _phrases(everyone.values())
            settled = {target.id: target.revision for target in everyone.values()}
            return Literals(settled, {}, library.write(phrases) if phrases else "")
        return Literals(self.settled, recent, self.base, library.write(phrases) if phrases else "")


def _phrases(targets: Iterable[ForgetTarget]) -> set[str]:
    return {phrase for target in targets for phrase in enforced(target)}
