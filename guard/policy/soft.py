"""Each target's soft match: its files, written when the target is compiled, and their digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from guard.matching.automaton_store import AutomatonStore
from guard.policy.contextual import Revision, restricts
from guard.soft.matching import SoftMatching
from guard.targets.target import ForgetTarget, Scope


class SoftDigests(NamedTuple):
    """Digests of a target's bias and of the automaton of the words close to it; "" for none."""

    bias: str
    words: str


def is_soft(target: ForgetTarget) -> bool:
    """Whether a target is enforced, contextual, and asks for soft matching."""
    return target.draft.soft and target.draft.scope is Scope.CONTEXTUAL and restricts(target)


class SoftContextual(Mapping[str, SoftDigests]):
    """By id of every target that `is_soft`: the digests of its files; empty while there is no `matching` yet.

    Reading writes the files if they were not written yet. `known` holds the digests written before and is shared
    by the policies of one compiler. Raises as `Bias.save` and `AutomatonStore.write` do.
    """

    def __init__(
        self,
        targets: Mapping[str, ForgetTarget],
        matching: SoftMatching | None,
        store: AutomatonStore,
        folder: Path,
        known: dict[Revision, SoftDigests],
    ) -> None:
        self._targets = targets
        self._matching = matching
        self._store = store
        self._folder = folder
        self._known = known

    def __contains__(self, target_id: object) -> bool:
        target = self._targets.get(str(target_id))
        return self._matching is not None and target is not None and is_soft(target)

    def __getitem__(self, target_id: str) -> SoftDigests:
        if self._matching is None or target_id not in self:
            raise KeyError(target_id)
        target = self._targets[target_id]
        revision = Revision(target_id, target.revision)
        if revision not in self._known:
            bias, words = self._matching.match(target)
            self._known[revision] = SoftDigests(
                bias.save(self._folder) if len(bias.tokens) else "", self._store.write(words) if words else ""
            )
        return self._known[revision]

    def __iter__(self) -> Iterator[str]:
        return (target_id for target_id in self._targets if target_id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
