"""What the detector looks targets up in: the targets of one policy, their names and their vectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from guard.detection.index import TargetIndex
from guard.detection.names import Names
from guard.evidence.phrases import TargetPhrases
from guard.matching.automaton import Automaton
from guard.patterns.value_class import ValueClass, found_in
from guard.targets.target import ForgetTarget, Scope

# No phrase goes on across it.
_BORDER = "\n"


class PendingTarget(NamedTuple):
    """A target to be embedded, and the policy version that it was added or changed under."""

    target: ForgetTarget
    version: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """An immutable snapshot for detection.

    targets  all active targets by id, of a policy set those that hold for it; names, index and phrases may have
             others too, which count for nothing
    names    the contextual targets' names and aliases
    index    the contextual targets' vectors
    pending  by id: contextual targets whose texts are not embedded yet. They are found by name, and by the vectors
             of their earlier revision if there is one
    classes  by id of each target that has any: the classes of values among its patterns
    phrases  the contextual targets' distinctive phrases
    """

    targets: Mapping[str, ForgetTarget] = field(repr=False)
    names: Names = field(repr=False)
    index: TargetIndex = field(repr=False)
    pending: Mapping[str, PendingTarget] = field(repr=False, default_factory=dict)
    classes: Mapping[str, tuple[ValueClass, ...]] = field(repr=False, default_factory=dict)
    phrases: TargetPhrases = field(repr=False, default_factory=lambda: TargetPhrases.build({}))

    @property
    def has_contextual(self) -> bool:
        """Whether any target needs the detector; without one nothing is ever embedded."""
        return len(self.index) > 0 or bool(self.pending)

    def own(self, found: Mapping[str, float]) -> dict[str, float]:
        """Return what was found of its targets: names, index and phrases of a policy set have others too."""
        return {target: value for target, value in found.items() if target in self.targets}

    def named(self, text: str, *, short: bool = True) -> frozenset[str]:
        """Return the targets that `text` names outside their exceptions, see `Names.found`."""
        found = self.names.found(text, short=short)
        return frozenset(target for target in found if self._named_outside_exceptions(target, text, short))

    def holding(self, text: str, targets: Iterable[str] | None = None) -> frozenset[str]:
        """Return which of `targets`, None for the contextual ones, have a class of which `text` holds a value."""
        if targets is None:
            targets = (id for id in self.classes if self.targets[id].draft.scope is Scope.CONTEXTUAL)
        found: dict[ValueClass, bool] = {}
        holding = set()
        for target in targets:
            for each in self.classes.get(target, ()):
                if each not in found:
                    found[each] = found_in(each, text)
                if found[each]:
                    holding.add(target)
        return frozenset(holding)

    def _named_outside_exceptions(self, target: str, text: str, short: bool) -> bool:
        known = self.targets.get(target)
        exceptions = known.draft.exceptions if known else ()
        spans = _compiled(exceptions).matches(text) if exceptions else []
        if not spans:
            return True
        rest = list(text)
        for _, start, end in spans:
            rest[start:end] = _BORDER * (end - start)
        return target in self.names.found("".join(rest), short=short)


def smallest_first(pending: Mapping[str, PendingTarget]) -> Iterator[ForgetTarget]:
    """Yield the targets of the smallest change first, and of two equally small ones those of the later."""
    sizes = Counter(each.version for each in pending.values())
    for version in sorted(sizes, key=lambda version: (sizes[version], -version)):
        yield from (each.target for each in pending.values() if each.version == version)


@lru_cache(maxsize=256)
def _compiled(exceptions: tuple[str, ...]) -> Automaton:
    return Automaton.forbidding(exceptions)
