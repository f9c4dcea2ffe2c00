"""The targets with a canary share, compiled as if they were enforced."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from guard.matching.automaton_store import AutomatonStore
from guard.policy.always import AlwaysOnAutomata
from guard.policy.canary.share import Conversation, is_in_share
from guard.policy.contextual import is_always_on
from guard.policy.layers import Layer
from guard.policy.watch import Watch
from guard.targets.target import ForgetTarget, Mode, Scope

Value = TypeVar("Value")


class Overlay(Mapping[str, Value]):
    """A mapping with some of its values replaced; copies nothing of it. All keys of `over` are in `base`."""

    def __init__(self, base: Mapping[str, Value], over: Mapping[str, Value]) -> None:
        self._base, self._over = base, over

    def __getitem__(self, key: str) -> Value:
        return self._over[key] if key in self._over else self._base[key]

    def __contains__(self, key: object) -> bool:
        return key in self._base

    def __iter__(self) -> Iterator[str]:
        return iter(self._base)

    def __len__(self) -> int:
        return len(self._base)


@dataclass(frozen=True, slots=True)
class Canary:
    """One of the targets.

    target  as it is where it is enforced, its share still with it
    layers  its phrases that are looked for in every answer of its share or, of scope `always`, forbidden in it
    """

    target: ForgetTarget
    layers: tuple[Layer, ...] = field(default=(), repr=False)

    @property
    def share(self) -> float:
        """The share of conversations for which it is enforced."""
        return self.target.draft.canary or 0.0


@dataclass(frozen=True, slots=True)
class Canaries:
    """The targets with a canary share by id; immutable.

    key      of the registry, by which the shares are decided
    context  folds of phrases that are not forbidden alone (guard.policy.phrase_counts)
    """

    by_id: Mapping[str, Canary] = field(default_factory=dict, repr=False)
    key: bytes = field(default=b"", repr=False)
    context: frozenset[str] = field(default=frozenset(), repr=False)

    def with_changes(
        self,
        active: Iterable[ForgetTarget],
        gone: Collection[str],
        store: AutomatonStore,
        key: bytes,
        context: frozenset[str],
        *,
        watches: bool = True,
    ) -> Canaries:
        """Return the same without the targets `gone` and with those of `active` that have a share.

        `watches`: whether answers are searched for what tells contextual targets.
        """
        new = {target.id: enforced(target) for target in active if target.draft.canary is not None}
        kept = {id: canary for id, canary in self.by_id.items() if id not in gone and id not in new}
        if context != self.context:
            stale = [id for id, canary in kept.items() if canary.target.draft.scope is Scope.ALWAYS]
            new |= {id: kept.pop(id).target for id in stale}
        if not new and len(kept) == len(self.by_id):
            return replace(self, key=key, context=context)
        made = {id: Canary(target, _layers(target, store, context, watches)) for id, target in new.items()}
        return Canaries(kept | made, key, context)

    def only(self, targets: Collection[str]) -> Canaries:
        """Return those alone that are among `targets`."""
        kept = {id: canary for id, canary in self.by_id.items() if id in targets}
        return self if len(kept) == len(self.by_id) else replace(self, by_id=kept)

    def over(
        self, targets: Mapping[str, ForgetTarget], ids: Collection[str] | None = None
    ) -> Overlay[ForgetTarget]:
        """Return `targets` with those of `ids`, None for all of them, as they are where they are enforced."""
        chosen = self.by_id if ids is None else ids
        return Overlay(targets, {id: self.by_id[id].target for id in chosen})

    def sharing(self, conversation: Conversation) -> frozenset[str]:
        """Return the targets in whose share a conversation falls."""
        return frozenset(
            id
            for id, canary in self.by_id.items()
            if self.key and is_in_share(self.key, id, conversation, canary.share)
        )

    @property
    def files(self) -> frozenset[str]:
        """The digests of the files of what is looked for in every answer of a share."""
        return frozenset(
            digest
            for canary in self.by_id.values()
            for layer in canary.layers
            for digest in (layer.digest, layer.whole)
        )


def enforced(target: ForgetTarget) -> ForgetTarget:
    """Return a target as it is for the conversations of its share."""
    return replace(target, draft=replace(target.draft, mode=Mode.ENFORCE))


def _layers(
    target: ForgetTarget, store: AutomatonStore, context: frozenset[str], watches: bool
) -> tuple[Layer, ...]:
    """Return the layers of an enforced target alone."""
    if is_always_on(target):
        return AlwaysOnAutomata().with_changes([target], (), store, context).layers.layers
    return Watch(Mode.ENFORCE).with_changes([target], (), store).layers.layers if watches else ()
