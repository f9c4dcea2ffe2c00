"""Phrases of many targets as a few automata of which one changes: a log-structured merge of compiled layers.

What is added goes into a small automaton, which is compiled again each time, and becomes a layer when it is full.
What ends is taken out of the arrays of its layer; nothing is compiled. Once there are many layers, or much of them
has ended, all is to be compiled together, in the background.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.matching.automaton_store import AutomatonStore
from guard.policy.exemptions import common_exemptions
from guard.targets.target import ForgetTarget
from guard.text.normalise import fold

MAX_RECENT_PHRASES = 1_000
"""In the small automaton; with more it becomes a layer."""
MAX_LATEST_PHRASES = 64
"""In the automaton of the latest, where there is one."""
MAX_LAYERS = 6
"""With more, all are to be compiled together."""
MAX_MINOR_PHRASES = 8_000
"""In all layers but the largest; with more, all are to be compiled together, as each layer costs every step."""
MAX_DEAD_SHARE = 0.2
"""Of the phrases of all layers, that may belong to no target any more before all are to be compiled together."""


class _Recent(NamedTuple):
    """The layers of recent targets: of those in `base`, and of the latest."""

    base: Mapping[str, Own]
    fresh: Layer | None
    latest: Layer | None = None


class Own(NamedTuple):
    """What one target brings: the phrases that are compiled, and by their folds those left out for now."""

    target: ForgetTarget
    phrases: frozenset[str]
    left_out: Mapping[str, frozenset[str]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The phrases of some targets in one automaton; immutable.

    whole    the digest of the automaton with the phrases of all targets that it was compiled for
    digest   of what is in force of it
    targets  those in force by this layer
    keys, numbers, counts  by phrase, ascending by `keys`: the hash of its fold, its number in the automaton, and
             how many of `targets` have it
    removed  the numbers of the phrases that none of them has
    left_out by target, by their folds, its phrases that were not compiled
    owners   by number of a phrase: the targets that it was compiled for, if they are kept
    """

    whole: str
    digest: str
    targets: frozenset[str] = field(repr=False)
    keys: NDArray[np.int64] = field(repr=False)
    numbers: NDArray[np.int32] = field(repr=False)
    counts: NDArray[np.int32] = field(repr=False)
    removed: frozenset[int] = field(default=frozenset(), repr=False)
    left_out: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict, repr=False)
    owners: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    @classmethod
    def compile(
        cls,
        own: Mapping[str, Own],
        store: AutomatonStore,
        extra: Collection[str] = (),
        *,
        keep_owners: bool = False,
    ) -> Layer:
        """Return the layer of these targets, and of `extra` phrases of no target; its automaton is in `store`."""
        folds = {id: frozenset(map(fold, each.phrases)) for id, each in own.items()}
        counts = Counter(folded for folds_of_one in folds.values() for folded in folds_of_one)
        counts.update(dict.fromkeys(map(fold, extra), 0))
        # As an automaton numbers its phrases.
        order = sorted(counts)
        every = {phrase for each in own.values() for phrase in each.phrases}.union(extra)
        exemptions = common_exemptions(each.target for each in own.values())
        digest = store.write(every, exemptions) if every else ""
        keys = np.fromiter(map(hash, order), np.int64, len(order))
        by_key = np.argsort(keys)
        count = np.fromiter((counts[folded] for folded in order), np.int32, len(order))
        left_out = {id: each.left_out for id, each in own.items() if each.left_out}
        owners = _owners(folds, order) if keep_owners else ()
        numbers = by_key.astype(np.int32)
        return cls(
            digest, digest, frozenset(own), keys[by_key], numbers, count[by_key], left_out=left_out, owners=owners
        )

    def without(self, phrases: Mapping[str, Collection[str]], store: AutomatonStore) -> Layer:
        """Return the layer without these targets, given with all of their phrases; nothing is compiled."""
        ended = [id for id in phrases if id in self.targets]
        if not ended:
            return self
        counts = self.counts.copy()
        gone: set[int] = set()
        for id in ended:
            folds = frozenset(map(fold, phrases[id])).difference(self.left_out.get(id, ()))
            keys = np.fromiter(map(hash, folds), np.int64, len(folds))
            at = np.searchsorted(self.keys, keys)
            # What is not found here stays forbidden until all are compiled together.
            at = at[self.keys.take(at, mode="clip") == keys]
            counts[at] -= 1
            gone.update(self.numbers[at[counts[at] <= 0]].tolist())
        removed = self.removed | gone
        digest = store.write_subset(self.whole, removed) if gone else self.digest
        left_out = {id: own for id, own in self.left_out.items() if id not in phrases}
        targets = self.targets.difference(ended)
        return replace(self, digest=digest, targets=targets, counts=counts, removed=removed, left_out=left_out)

    def owners_of(self, number: int) -> Iterable[str]:
        """Return the targets that have the phrase of this number."""
        return (id for id in self.owners[number] if id in self.targets)

    def numbers_of(self, folds: Collection[str]) -> list[int]:
        """Return the numbers of those of the folded phrases that the layer has."""
        sought = np.fromiter(map(hash, folds), np.int64, len(folds))
        at = np.searchsorted(self.keys, sought)
        at, sought = at[at < len(self.keys)], sought[at < len(self.keys)]
        found: list[int] = self.numbers[at[self.keys[at] == sought]].tolist()
        return found

    def numbers_only_of(self, ids: Collection[str]) -> list[int]:
        """Return the numbers of the phrases that only the targets `ids` have."""
        known = self.targets.difference(ids)
        return [number for number, owners in enumerate(self.owners) if known.isdisjoint(owners)]


@dataclass(frozen=True, slots=True)
class Layers:
    """An immutable set of targets, compiled: most in `settled`, the larger first, what came since in `fresh`, and
    the last of them in `latest`.

    recent       the targets whose phrases are in these two
    base         those of them whose phrases are in `fresh`
    extra        phrases in `fresh` that are of none of them
    keep_owners  whether layers know whose a phrase is
    max_latest   phrases in `latest`; it is one automaton more, and with none all recent phrases are compiled at
                 each change
    """

    settled: tuple[Layer, ...] = ()
    recent: Mapping[str, Own] = field(default_factory=dict, repr=False)
    base: Mapping[str, Own] = field(default_factory=dict, repr=False)
    fresh: Layer | None = None
    latest: Layer | None = None
    extra: frozenset[str] = field(default=frozenset(), repr=False)
    keep_owners: bool = False
    max_latest: int = 0

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with an automaton, the larger first."""
        return tuple(layer for layer in (*self.settled, self.fresh, self.latest) if layer and layer.digest)

    @property
    def digests(self) -> tuple[str, ...]:
        """The automata in force, the larger first."""
        return tuple(layer.digest for layer in self.layers)

    @property
    def files(self) -> frozenset[str]:
        """The digests of all files that the automata in force are read from."""
        return frozenset(digest for layer in self.layers for digest in (layer.digest, layer.whole))

    @property
    def is_worn(self) -> bool:
        """Whether all should be compiled together: there are many layers, or much of them has ended."""
        dead = sum(len(layer.removed) for layer in self.settled)
        sizes = [len(layer.keys) for layer in self.settled]
        minor = sum(sizes) - max(sizes, default=0)
        is_split = len(sizes) > MAX_LAYERS or minor > MAX_MINOR_PHRASES
        return is_split or dead > MAX_DEAD_SHARE * sum(sizes)

    def holds(self, target: str) -> bool:
        """Whether the phrases of this target are in force."""
        return target in self.recent or any(target in layer.targets for layer in self.settled)

    def beside(self, others: Iterable[Layer]) -> Layers:
        """Return the same with other layers, of targets that it does not have."""
        return replace(self, settled=(*self.settled, *others))

    def with_changes(
        self,
        kept: Mapping[str, Own],
        new: Mapping[str, Own],
        ended: Mapping[str, Collection[str]],
        store: AutomatonStore,
        extra: frozenset[str] = frozenset(),
    ) -> Layers:
        """Return a new set of which the recent targets are `kept` of those before and `new`, or a layer of them.

        `ended` are settled targets that end or change, with all phrases that they had.
        """
        settled = tuple(layer.without(ended, store) for layer in self.settled)
        settled = tuple(layer for layer in settled if layer.targets)
        if kept and _size(kept) + _size(new) > MAX_RECENT_PHRASES:
            whole = self.fresh if kept == self.base and not self.extra else None
            settled += (whole or self._compiled(kept, store),)
            kept = {}
        recent = {**kept, **new}
        if _size(recent) > MAX_RECENT_PHRASES:
            settled, recent = (*settled, self._compiled(recent, store)), {}
        made = _Recent(self.base, self.fresh, self.latest)
        if recent != self.recent or extra != self.extra:
            made = self._changed(recent, store, extra)
        return replace(self, settled=settled, recent=recent, extra=extra, **made._asdict())

    def _changed(self, recent: Mapping[str, Own], store: AutomatonStore, extra: frozenset[str]) -> _Recent:
        """Return the layers of recent targets; where few more have come, these alone are compiled."""
        newest = {id: own for id, own in recent.items() if self.base.get(id) is not own}
        are_all = len(newest) + len(self.base) == len(recent)
        if self.fresh and are_all and _size(newest) <= self.max_latest and not (extra or self.extra):
            return _Recent(self.base, self.fresh, self._compiled(newest, store) if newest else None)
        fresh = self._compiled(recent, store, extra) if recent or extra else None
        return _Recent(recent, fresh if fresh and fresh.digest else None)

    def _compiled(
        self, own: Mapping[str, Own], store: AutomatonStore, extra: frozenset[str] = frozenset()
    ) -> Layer:
        return Layer.compile(own, store, extra, keep_owners=self.keep_owners)


def _size(own: Mapping[str, Own]) -> int:
    return sum(len(each.phrases) for each in own.values())


def _owners(folds: Mapping[str, Collection[str]], order: Collection[str]) -> tuple[tuple[str, ...], ...]:
    owners: dict[str, list[str]] = {folded: [] for folded in order}
    for target, own in folds.items():
        for folded in own:
            owners[folded].append(target)
    return tuple(map(tuple, owners.values()))
