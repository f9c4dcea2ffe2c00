"""The detector gate: which prompts touch a forget target, by the detector and policy that serve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from guard.detection.detector import Detector
from guard.detection.embedder import Embedder
from guard.policy.compiler import Compiler
from guard.policy.conversation_plan import plan_conversation
from guard.policy.plan import Plan
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.targets.passages import enforced
from guard.targets.target import Draft
from guard.text.conversation import Message


@dataclass(frozen=True, slots=True)
class Gate:
    """A compiled policy and its detector; `folder` holds the compiled automata."""

    policy: Policy
    folder: Path
    embedder: str
    _detector: Detector
    _plans: dict[tuple[Message, ...], Plan] = field(default_factory=dict, repr=False)

    def plan(self, conversation: tuple[Message, ...]) -> Plan:
        """Return the policy's plan for a conversation; plans are cached."""
        known = self._plans.get(conversation)
        if known is None:
            known = plan_conversation(self.policy, self._detector, conversation)
            self._plans[conversation] = known
        return known

    @property
    def names(self) -> tuple[str, ...]:
        """Return the targets' names, in the order they were added."""
        return tuple(target.draft.name for target in self.policy.targets.values())

    @property
    def phrases(self) -> frozenset[str]:
        """Return all phrases that the policy forbids, of all targets."""
        return frozenset(chain.from_iterable(map(enforced, self.policy.targets.values())))

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the digests of the targets' automata, sorted."""
        return tuple(sorted({*self.policy.always.digests, *self.policy.contextual.values()}))


@contextmanager
def open_gate(drafts: Sequence[Draft], embedder: Embedder, folder: Path) -> Iterator[Gate]:
    """Open the gate of these targets; its registry and automata are in `folder`, which must be empty."""
    automata = folder / "automata"
    automata.mkdir()
    registry = Registry(folder / "registry.db")
    try:
        registry.add_many(drafts)
        policy = Compiler(registry, embedder, automata).compile()
        yield Gate(policy, automata, embedder.name, Detector(embedder))
    finally:
        registry.close()
