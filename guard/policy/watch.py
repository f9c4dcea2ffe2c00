"""The watch: the names and decisive phrases of contextual targets, looked for in every answer, as automata."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from guard.evidence.distinctiveness import Evidence, decisive_phrases
from guard.evidence.namesakes import shares_name
from guard.matching.automaton import Automaton
from guard.matching.automaton_store import AutomatonStore
from guard.matching.subset import without
from guard.policy.layers import MAX_LATEST_PHRASES, Layers, Own
from guard.targets.target import ForgetTarget, Mode, Scope
from guard.text.normalise import fold


class WatchAction(StrEnum):
    """What is done about names and decisive phrases of contextual targets that the conversation does not touch.

    `answer`: they are looked for in the answer, which goes on under another plan when it says one; `mask`: they
    are forbidden in every answer, as if their scope was `always`; `off`: nothing.
    """

    ANSWER = "answer"
    MASK = "mask"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Watch:
    """An immutable set of contextual targets of one mode, compiled; `layers` know whose a phrase is."""

    mode: Mode
    layers: Layers = field(
        default_factory=lambda: Layers(keep_owners=True, max_latest=MAX_LATEST_PHRASES), repr=False
    )

    @property
    def digests(self) -> tuple[str, ...]:
        """The automata, the larger first."""
        return self.layers.digests

    @property
    def is_worn(self) -> bool:
        """Whether all should be compiled together, see `Layers.is_worn`."""
        return self.layers.is_worn

    def watches(self, target: ForgetTarget) -> bool:
        """Whether `target` is one of those whose phrases are looked for here."""
        return target.draft.scope is Scope.CONTEXTUAL and target.draft.mode is self.mode

    def with_changes(
        self,
        active: Iterable[ForgetTarget],
        ended: Iterable[ForgetTarget],
        store: AutomatonStore,
        evidence: Mapping[str, Evidence] | None = None,
    ) -> Watch:
        """Return a new set without `ended`, as they were, and with those of `active` that it watches; its automata
        are written to `store`. `evidence` is what is known of these already, by their ids."""
        layers, known = self.layers, evidence or {}
        new = {target.id: _own(target, known.get(target.id)) for target in active if self.watches(target)}
        gone = {target.id: target for target in ended if layers.holds(target.id)}
        if not new and not gone:
            return self
        kept = {id: own for id, own in layers.recent.items() if id not in gone and id not in new}
        settled = {id: tuple(decisive_phrases(target)) for id, target in gone.items() if id not in layers.recent}
        return Watch(self.mode, layers.with_changes(kept, new, settled, store))

    def without(self, ids: Collection[str], automata: Sequence[Automaton]) -> tuple[Automaton, ...]:
        """Return `automata`, those of `digests`, without the phrases that only the targets `ids` have: what the
        conversation supplies of them may be said, and their restriction has the rest."""
        numbers = (layer.numbers_only_of(ids) for layer in self.layers.layers)
        return tuple(without(one, own) if own else one for one, own in zip(automata, numbers, strict=True))

    def without_names(
        self, targets: Collection[ForgetTarget], automata: Sequence[Automaton]
    ) -> tuple[Automaton, ...]:
        """Return `automata`, those of `digests`, without the names that only these targets have: their
        namesakes may be named."""
        names = {
            fold(phrase)
            for target in targets
            for phrase in decisive_phrases(target)
            if shares_name(target, phrase)
        }
        ids = {target.id for target in targets}
        numbers = (
            [number for number in layer.numbers_of(names) if ids.issuperset(layer.owners_of(number))]
            for layer in self.layers.layers
        )
        return tuple(without(one, own) if own else one for one, own in zip(automata, numbers, strict=True))

    def said(self, text: str, automata: Sequence[Automaton]) -> frozenset[str]:
        """Return the targets of which `text` says a name or decisive phrase; `automata` are those of `digests`."""
        return frozenset(
            target
            for layer, automaton in zip(self.layers.layers, automata, strict=True)
            for found in automaton.matches(text)
            for target in layer.owners_of(found.phrase)
        )


def _own(target: ForgetTarget, known: Evidence | None) -> Own:
    return Own(target, known.decisive if known else frozenset(decisive_phrases(target)))
