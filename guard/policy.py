"""The policy: everything that holds at one version, in one value that never changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from guard.automaton import Automaton
from guard.index import TargetIndex
from guard.names import Names
from guard.target import ForgetTarget, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An immutable, numbered snapshot of the active forget targets, compiled.

    targets   by target id
    index     the contextual targets' vectors
    names     the contextual targets' names and aliases
    always    digest of the one automaton of all enforced targets of scope `always`; "" without any
    own       by id of an enforced contextual target with phrases to forbid: the digest of its automaton
    automata  by digest, mapped from the files that the engine maps too
    assistants  by id of an enforced contextual target with the method uld: the digest of its promoted assistant
    """

    version: int
    targets: Mapping[str, ForgetTarget] = field(repr=False)
    index: TargetIndex = field(repr=False)
    names: Names = field(repr=False)
    always: str
    own: Mapping[str, str] = field(repr=False)
    automata: Mapping[str, Automaton] = field(repr=False)
    assistants: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def has_contextual(self) -> bool:
        """Whether any target needs the detector; without one nothing is ever embedded."""
        return len(self.index) > 0

    @property
    def counts(self) -> Mapping[Mode, int]:
        """How many active targets are in each mode."""
        counted = Counter(target.draft.mode for target in self.targets.values())
        return {mode: counted[mode] for mode in Mode}
