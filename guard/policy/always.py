"""Always-on phrases: those of scope `always`, in force in every answer, as a few automata of which one changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from guard.matching.automaton_store import AutomatonStore
from guard.policy.layers import Layers, Own
from guard.policy.phrase_counts import never_alone
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget
from guard.text.normalise import fold


@dataclass(frozen=True, slots=True)
class AlwaysOnAutomata:
    """An immutable set of targets of scope `always`, compiled.

    layers   their phrases, without those that were context when a layer was compiled. What has become context
             since stays in it until all are compiled together; what no longer is goes into the small automaton
    context  the folds of phrases that are not forbidden alone
    """

    layers: Layers = field(default_factory=Layers)
    context: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def digests(self) -> tuple[str, ...]:
        """The automata in force, the larger first."""
        return self.layers.digests

    @property
    def is_worn(self) -> bool:
        """Whether all should be compiled together, see `Layers.is_worn`."""
        return self.layers.is_worn

    def with_changes(
        self,
        added: Iterable[ForgetTarget],
        ended: Iterable[ForgetTarget],
        store: AutomatonStore,
        context: frozenset[str] = frozenset(),
    ) -> AlwaysOnAutomata:
        """Return a new set without `ended`, as they were, and with `added`; automata are written to `store`."""
        layers, new = self.layers, {target.id: target for target in added}
        gone = {target.id: target for target in ended if layers.holds(target.id)}
        if not new and not gone and context == self.context:
            return self
        kept = {id: own for id, own in layers.recent.items() if id not in gone and id not in new}
        if context != self.context:
            kept = _own({id: own.target for id, own in kept.items()}, context)
        settled = {id: tuple(enforced(target)) for id, target in gone.items() if id not in layers.recent}
        back = _no_longer_left_out(layers, settled, context)
        changed = layers.with_changes(kept, _own(new, context), settled, store, back)
        return AlwaysOnAutomata(changed, context)


def _own(targets: Mapping[str, ForgetTarget], context: frozenset[str]) -> dict[str, Own]:
    """Return what each target forbids, and by its fold what it does not forbid alone."""
    found: dict[str, Own] = {}
    for id, target in targets.items():
        alone, phrases = never_alone(target.draft, context), frozenset(enforced(target))
        left_out: dict[str, frozenset[str]] = {}
        for phrase in phrases if alone else ():
            if (folded := fold(phrase)) in alone:
                left_out[folded] = left_out.get(folded, frozenset()) | {phrase}
        found[id] = Own(target, phrases.difference(*left_out.values()), left_out)
    return found


def _no_longer_left_out(layers: Layers, ended: Mapping[str, object], context: frozenset[str]) -> frozenset[str]:
    """Return the phrases of settled targets that were context when they were compiled and are not any more."""
    return frozenset(
        phrase
        for layer in layers.settled
        for id, left_out in layer.left_out.items()
        if id not in ended
        for folded, spelt in left_out.items()
        if folded not in context
        for phrase in spelt
    )
