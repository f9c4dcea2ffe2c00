"""Per-target automata of contextual targets, compiled lazily when a conversation first touches the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from guard.matching.automaton_store import AutomatonStore
from guard.policy.exemptions import exemptions
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget, Method, Mode, Scope


def restricts(target: ForgetTarget) -> bool:
    """Whether `target` has phrases and they are enforced.

    A forbidden phrase never leaves whatever else is done; a target that is only declined has no answer at all.
    """
    draft = target.draft
    enforces = draft.mode is Mode.ENFORCE and draft.methods != (Method.DECLINE,)
    return enforces and any(map(bool, enforced(target)))


def is_always_on(target: ForgetTarget) -> bool:
    """Whether the phrases of `target` are forbidden in every answer."""
    return target.draft.scope is Scope.ALWAYS and restricts(target)


class Revision(NamedTuple):
    """A target at a revision."""

    target_id: str
    revision: int


class ContextualAutomata(Mapping[str, str]):
    """By id of every enforced contextual target with phrases: the digest of its automaton.

    Reading a digest compiles the automaton if it was not compiled yet; it raises PolicyUnavailable when that
    fails. `known` holds the digests compiled before and is shared by the policies of one compiler.
    """

    def __init__(
        self, targets: Mapping[str, ForgetTarget], store: AutomatonStore, known: dict[Revision, str]
    ) -> None:
        self._targets = targets
        self._store = store
        self._known = known

    def digests_of(self, earlier: Iterable[ForgetTarget]) -> set[str]:
        """Return the digests of the automata that were compiled for these targets, as they were."""
        found = (self._known.get(Revision(target.id, target.revision)) for target in earlier)
        return {digest for digest in found if digest is not None}

    def __contains__(self, target_id: object) -> bool:
        target = self._targets.get(str(target_id))
        return target is not None and target.draft.scope is Scope.CONTEXTUAL and restricts(target)

    def __getitem__(self, target_id: str) -> str:
        if target_id not in self:
            raise KeyError(target_id)
        target = self._targets[target_id]
        revision = Revision(target_id, target.revision)
        digest = self._known.get(revision)
        if digest is None:
            digest = self._known[revision] = self._store.write(set(enforced(target)), exemptions(target))
        return digest

    def __iter__(self) -> Iterator[str]:
        return (target_id for target_id in self._targets if target_id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
