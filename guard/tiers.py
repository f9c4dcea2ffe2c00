"""Values by key in a few tiers, each of which is built as a whole: a small change builds a small tier anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Value = TypeVar("Value")
GivenValue = TypeVar("GivenValue", covariant=True)


class Built(Protocol[GivenValue]):
    """What is built of some values; it still has them."""

    @property
    def given(self) -> Mapping[str, GivenValue]: ...


Part = TypeVar("Part", bound=Built[object])


@dataclass(frozen=True, slots=True)
class Tier(Generic[Part]):
    """What was built at a time, and the keys of it that do not count any more."""

    part: Part
    dropped: frozenset[str] = frozenset()

    @property
    def is_worn(self) -> bool:
        """Whether more of it has been dropped than is left."""
        return 2 * len(self.dropped) > len(self.part.given)

    def __len__(self) -> int:
        return len(self.part.given) - len(self.dropped)

    def __contains__(self, key: str) -> bool:
        return key in self.part.given and key not in self.dropped


@dataclass(frozen=True, slots=True)
class Tiers(Generic[Value, Part]):
    """An immutable set of values by key, the largest tier first; each key is in one of them.

    build  returns what is built of some values
    sizes  how much the tiers after the first may hold, the largest first
    size   how much a value is
    """

    build: Callable[[Mapping[str, Value]], Part]
    sizes: Sequence[int]
    size: Callable[[Value], int]
    tiers: tuple[Tier[Part], ...] = ()

    def with_changes(self, added: Mapping[str, Value], removed: Iterable[str]) -> Tiers[Value, Part]:
        """Return the same without the keys `removed` and with `added`; a key in both is replaced.

        What is added goes into the smallest tier; a tier that it does not fit into goes with it into the next.
        """
        none = self.build({})
        tiers = [
            _without(tier, {*removed, *added}) for tier in self.tiers or (Tier(none),) * (len(self.sizes) + 1)
        ]
        carried, last = dict(added), len(tiers) - 1
        for place in range(last, -1, -1):
            is_worn = tiers[place].is_worn
            if not carried and not is_worn:
                continue
            values = self._values(tiers[place]) | carried
            fits = place == 0 or sum(map(self.size, values.values())) <= self.sizes[place - 1]
            tiers[place], carried = (Tier(self.build(values)), {}) if fits else (Tier(none), values)
        return Tiers(self.build, self.sizes, self.size, tuple(tiers))

    def holding(self, key: str) -> Part | None:
        """Return the part that has this key."""
        return next((tier.part for tier in self.tiers if key in tier), None)

    def __len__(self) -> int:
        return sum(map(len, self.tiers))

    def _values(self, tier: Tier[Part]) -> dict[str, Value]:
        given: Mapping[str, Value] = tier.part.given  # type: ignore[assignment]
        return {key: given[key] for key in given if key not in tier.dropped}


def _without(tier: Tier[Part], keys: Collection[str]) -> Tier[Part]:
    gone = [key for key in keys if key in tier.part.given]
    return Tier(tier.part, tier.dropped.union(gone)) if gone else tier
