"""What the detector looks targets up in: the targets of one policy, their names and their vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from guard.detection.index import TargetIndex
from guard.detection.names import Names
from guard.targets.target import ForgetTarget


class PendingTarget(NamedTuple):
    """A target to be embedded, and the policy version that it was added or changed under."""

    target: ForgetTarget
    version: int


@dataclass(frozen=True, slots=True)
class Lookup:
    """An immutable snapshot for detection.

    targets  all active targets by id
    names    the contextual targets' names and aliases
    index    the contextual targets' vectors
    pending  by id: contextual targets whose texts are not embedded yet. They are found by name, and by the vectors
             of their earlier revision if there is one
    """

    targets: Mapping[str, ForgetTarget] = field(repr=False)
    names: Names = field(repr=False)
    index: TargetIndex = field(repr=False)
    pending: Mapping[str, PendingTarget] = field(repr=False, default_factory=dict)

    @property
    def has_contextual(self) -> bool:
        """Whether any target needs the detector; without one nothing is ever embedded."""
        return len(self.index) > 0 or bool(self.pending)
