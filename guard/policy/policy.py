"""The policy: everything that holds at one version, in one value that never changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from guard.detection.index import TargetIndex
from guard.detection.names import Names
from guard.matching.automaton import Automaton
from guard.policy.always import Literals
from guard.policy.soft import Softened
from guard.targets.target import ForgetTarget, Mode


class Automata(Protocol):
    """Compiled automata; reading one raises PolicyUnavailable when it cannot be had."""

    def __getitem__(self, digest: str) -> Automaton: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """An immutable, numbered snapshot of the active forget targets, compiled.

    targets   by target id
    index     the contextual targets' vectors
    names     the contextual targets' names and aliases
    literals  what holds in every answer: the enforced targets of scope `always`
    own       by id of an enforced contextual target with phrases to forbid: the digest of its automaton
    automata  by digest, mapped from the files that the engine maps too
    assistants  by id of an enforced contextual target with the method uld: the digest of its promoted assistant
    soft      by id of an enforced contextual target that is matched softly: what was written for it
    """

    version: int
    targets: Mapping[str, ForgetTarget] = field(repr=False)
    index: TargetIndex = field(repr=False)
    names: Names = field(repr=False)
    literals: Literals = field(repr=False)
    own: Mapping[str, str] = field(repr=False)
    automata: Automata = field(repr=False)
    assistants: Mapping[str, str] = field(repr=False, default_factory=dict)
    soft: Mapping[str, Softened] = field(repr=False, default_factory=dict)

    @property
    def has_contextual(self) -> bool:
        """Whether any target needs the detector; without one nothing is ever embedded."""
        return len(self.index) > 0

    @property
    def counts(self) -> Mapping[Mode, int]:
        """How many active targets are in each mode."""
        counted = Counter(target.draft.mode for target in self.targets.values())
        return {mode: counted[mode] for mode in Mode}
