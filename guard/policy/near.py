"""Long phrases of scope `always` that must not be nearly said in any answer."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from guard.evidence.distinctiveness import bits_of
from guard.matching.near import NearTexts, words_needed
from guard.targets.near import LongPhrase, long_phrases
from guard.targets.target import ForgetTarget

MAX_TARGETS = 10_000
"""With more targets of scope `always` near copies are not counted in every answer: memory and time would be in
proportion to them."""
MIN_BITS = 26.0
"""How distinctive the words must be that nearly say a phrase: by chance they are said once in 2^26 words. With
twice as many targets it takes one bit more, so that all together keep no ordinary text from being said."""


@dataclass(frozen=True)
class AlwaysNear:
    """The long phrases of each target of scope `always`; immutable.

    context  folds of phrases that are not forbidden in every answer (guard.policy.phrase_counts)
    """

    phrases: Mapping[str, tuple[LongPhrase, ...]] = field(default_factory=dict, repr=False)
    context: frozenset[str] = field(default=frozenset(), repr=False)

    def with_changes(
        self, added: Iterable[ForgetTarget], removed: Collection[str], context: frozenset[str]
    ) -> AlwaysNear:
        """Return the same without `removed` and with `added`, under another context.

        Where there are more than MAX_TARGETS, none of them counts.
        """
        gone, new = set(removed), list(added)
        if not new and not gone & self.phrases.keys() and context == self.context:
            return self
        kept = {id: phrases for id, phrases in self.phrases.items() if id not in gone}
        if len(kept) + len(new) > MAX_TARGETS:
            return AlwaysNear(dict.fromkeys((*kept, *(target.id for target in new)), ()), context)
        return AlwaysNear(
            kept | {target.id: tuple(long_phrases(target, whole_names=False)) for target in new}, context
        )

    @cached_property
    def texts(self) -> NearTexts:
        """All of them but the context, and those that everyday words would nearly say."""
        every = (phrase for phrases in self.phrases.values() for phrase in phrases)
        words = dict.fromkeys(one.words for one in every if one.folded not in self.context)
        least = MIN_BITS + math.log2(max(1, len(self.phrases)))
        return NearTexts(tuple(phrase for phrase in words if least_bits(phrase) >= least))


@lru_cache(65_536)
def least_bits(words: tuple[str, ...]) -> float:
    """Return how distinctive the commonest of a phrase's folded content words are, as many as nearly say it."""
    return sum(sorted(map(bits_of, words))[: words_needed(len(words))])
