"""The watch: the names and decisive phrases of contextual targets, looked for in every answer, as two automata."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from guard.evidence.distinctiveness import decisive_phrases
from guard.matching.automaton import Automaton
from guard.matching.automaton_store import AutomatonStore
from guard.matching.patterns import folded_phrases
from guard.matching.subset import without
from guard.policy.exemptions import common_exemptions
from guard.targets.target import ForgetTarget, Mode, Scope
from guard.text.normalise import fold

# With more recent phrases than this, all are compiled together, which takes longer the more there are.
MAX_RECENT_PHRASES = 2_000


class WatchAction(StrEnum):
    """What is done about names and decisive phrases of contextual targets that the conversation does not touch.

    `answer`: they are looked for in the answer, which goes on under another plan when it says one; `mask`: they
    are forbidden in every answer, as if their scope was `always`; `off`: nothing.
    """

    ANSWER = "answer"
    MASK = "mask"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class _Part:
    """One automaton: its digest, and by number of its phrase the targets that have it."""

    digest: str = ""
    owners: tuple[tuple[str, ...], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Watch:
    """An immutable set of contextual targets of one mode, compiled: most in `base`, what changed since in `fresh`.

    settled  by target id, the revision whose phrases are in `base`
    recent   the targets whose phrases are in `fresh`
    """

    mode: Mode
    settled: Mapping[str, int] = field(default_factory=dict, repr=False)
    recent: Mapping[str, ForgetTarget] = field(default_factory=dict, repr=False)
    base: _Part = _Part()
    fresh: _Part = _Part()

    @property
    def digests(self) -> tuple[str, ...]:
        """The automata, the larger first."""
        return tuple(part.digest for part in (self.base, self.fresh) if part.digest)

    def watches(self, target: ForgetTarget) -> bool:
        """Whether `target` is one of those whose phrases are looked for here."""
        return target.draft.scope is Scope.CONTEXTUAL and target.draft.mode is self.mode

    def with_changes(
        self,
        active: Iterable[ForgetTarget],
        changed: Collection[str],
        all_targets: Iterable[ForgetTarget],
        store: AutomatonStore,
    ) -> Watch:
        """Return a new set without the targets `changed`, and with those of them that are `active`.

        Automata are written to `store`: the small one, or both from `all_targets` in force after the change once
        the small one has grown too large, or a settled target is removed or changed.
        """
        new = {target.id: target for target in active if self.watches(target)}
        touched = new.keys() | set(changed)
        if not new and not any(id in self.settled or id in self.recent for id in touched):
            return self
        recent = {id: target for id, target in self.recent.items() if id not in touched} | new
        phrases = _by_target(recent.values())
        if sum(map(len, phrases.values())) > MAX_RECENT_PHRASES or any(id in self.settled for id in touched):
            everyone = {target.id: target for target in all_targets if self.watches(target)}
            settled = {id: target.revision for id, target in everyone.items()}
            part = _compile(_by_target(everyone.values()), everyone.values(), store)
            return Watch(self.mode, settled, {}, part)
        fresh = _compile(phrases, recent.values(), store)
        return Watch(self.mode, self.settled, recent, self.base, fresh)

    def without(self, ids: Collection[str], automata: Sequence[Automaton]) -> tuple[Automaton, ...]:
        """Return `automata`, those of `digests`, without the phrases that only the targets `ids` have: what the
        conversation supplies of them may be said, and their restriction has the rest."""
        left_out = frozenset(ids)
        parts = (part for part in (self.base, self.fresh) if part.digest)
        numbers = ([n for n, owners in enumerate(part.owners) if left_out.issuperset(owners)] for part in parts)
        return tuple(without(one, own) if own else one for one, own in zip(automata, numbers, strict=True))

    def said(self, text: str, automata: Sequence[Automaton]) -> frozenset[str]:
        """Return the targets of which `text` says a name or decisive phrase; `automata` are those of `digests`."""
        parts = (part for part in (self.base, self.fresh) if part.digest)
        return frozenset(
            target
            for part, automaton in zip(parts, automata, strict=True)
            for found in automaton.matches(text)
            for target in part.owners[found.phrase]
        )


def _by_target(targets: Iterable[ForgetTarget]) -> dict[str, frozenset[str]]:
    return {target.id: frozenset(decisive_phrases(target)) for target in targets}


def _compile(
    phrases: Mapping[str, Collection[str]], targets: Iterable[ForgetTarget], store: AutomatonStore
) -> _Part:
    every = {phrase for own in phrases.values() for phrase in own}
    if not every:
        return _Part()
    owners: dict[str, list[str]] = {}
    for target, own in phrases.items():
        for folded in set(map(fold, own)):
            owners.setdefault(folded, []).append(target)
    order: Sequence[str] = folded_phrases(every)
    digest = store.write(every, common_exemptions(targets))
    return _Part(digest, tuple(tuple(owners[folded]) for folded in order))
