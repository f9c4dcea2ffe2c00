"""Finds distinctive phrases of targets in a text, and weighs them to one number for each target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from guard.evidence.distinctiveness import DistinctivePhrase, folded_words

# With more recent targets than this, all are indexed together.
MAX_RECENT_TARGETS = 1_024
MAX_OWNERS = 3
"""A phrase of more targets tells none of them."""

Given: TypeAlias = Mapping[str, tuple[DistinctivePhrase, ...]]


class TargetPhrases:
    """Finds the targets of which a text holds distinctive phrases, word by word; immutable.

    The weights of phrases that do not overlap add up, to 1.0 at most: one decisive phrase, or several that agree.
    A phrase of several targets counts less for each, and one of more than MAX_OWNERS for none. The time does not
    depend on the number of targets. Most of them are in a settled index that successors share.
    """

    def __init__(self, settled: _Index, recent: _Index, removed: frozenset[str]) -> None:
        self._settled = settled
        self._recent = recent
        self._removed = removed

    @classmethod
    def build(cls, given: Given) -> TargetPhrases:
        """Return the finder of these phrases by target id."""
        return cls(_Index.build({}), _Index.build({}), frozenset()).with_changes(given, ())

    def with_changes(self, added: Given, removed: Collection[str]) -> TargetPhrases:
        """Return a new finder without the targets `removed` and with `added`; a target in both is replaced."""
        recent = {id: own for id, own in self._recent.given.items() if id not in removed} | dict(added)
        dropped = self._removed | {id for id in (*removed, *added) if id in self._settled.given}
        if len(recent) <= MAX_RECENT_TARGETS and 2 * len(dropped) <= len(self._settled.given):
            return TargetPhrases(self._settled, _Index.build(recent), dropped)
        kept = {id: own for id, own in self._settled.given.items() if id not in dropped}
        return TargetPhrases(_Index.build(kept | recent), _Index.build({}), frozenset())

    def weights(self, text: str) -> dict[str, float]:
        """Return by target how telling the phrases are that `text` has of it, from 0 to 1."""
        words = folded_words(text)
        found = [one for one in self._settled.found(words) if one.target not in self._removed]
        weights: dict[str, float] = {}
        ends: dict[str, int] = {}
        said: set[tuple[str, tuple[str, ...]]] = set()
        # The heaviest first where phrases overlap; each phrase counts once.
        for one in sorted([*found, *self._recent.found(words)], key=lambda one: (one.start, -one.weight)):
            phrase = one.target, words[one.start : one.end]
            if one.start >= ends.get(one.target, 0) and phrase not in said:
                ends[one.target] = one.end
                said.add(phrase)
                weights[one.target] = min(1.0, weights.get(one.target, 0.0) + one.weight)
        return weights


class _Found(NamedTuple):
    """A phrase of a target, in the words [start, end) of a text."""

    target: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class _Index:
    """Phrases of some targets: by phrase, the weight for each target; by first word, the lengths of phrases."""

    given: Given = field(repr=False)
    owners: Mapping[str, Mapping[str, float]] = field(repr=False)
    lengths: Mapping[str, tuple[int, ...]] = field(repr=False)

    @classmethod
    def build(cls, given: Given) -> _Index:
        owners: dict[str, dict[str, float]] = {}
        lengths: dict[str, set[int]] = {}
        for target, phrases in given.items():
            for words, weight in phrases:
                owners.setdefault(" ".join(words), {})[target] = weight
                lengths.setdefault(words[0], set()).add(len(words))
        return cls(given, owners, {word: tuple(sorted(counts)) for word, counts in lengths.items()})

    def found(self, words: tuple[str, ...]) -> Iterator[_Found]:
        for start, word in enumerate(words):
            for length in self.lengths.get(word, ()):
                owners = self.owners.get(" ".join(words[start : start + length]), {})
                if 0 < len(owners) <= MAX_OWNERS and start + length <= len(words):
                    yield from _shared(owners.items(), start, start + length)


def _shared(owners: Iterable[tuple[str, float]], start: int, end: int) -> Iterator[_Found]:
    every = list(owners)
    return (_Found(target, start, end, weight / len(every)) for target, weight in every)
