"""Which of some numbers a run of characters is, in words: small ones share one table in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

from guard.variants.values.digit_words import number_words, ordinal_words
from guard.variants.values.spelled_numbers import MAX_ORDINAL, counts, spelled

MAX_LARGE = 32
"""Numbers above MAX_ORDINAL that are looked for: spelling one takes some 30 ms and 100 kB or more."""
_ENDING_CHARS = 4
MAX_DAY = 31
MAX_ADVERB = 2
"""First and second are adverbs, too."""


def may_count(number: int, folded: str) -> bool:
    """Whether a number in words may count something, or is an adverb, so that it is no day by itself."""
    is_day = 0 < number <= MAX_DAY and folded not in ordinal_words()
    return number <= MAX_ADVERB or (is_day and (folded in number_words() or folded in counts(number)))


class _SmallNumbers:
    """The numbers up to MAX_ORDINAL that somebody looks for, by their folds in words, and how these end."""

    def __init__(self) -> None:
        self.by_word: dict[str, tuple[int, ...]] = {}
        self.endings: set[str] = set()
        self._known: set[int] = set()

    def add(self, number: int) -> None:
        if number not in self._known:
            for word in spelled(number):
                self.by_word[word] = tuple(dict.fromkeys((*self.by_word.get(word, ()), number)))
                self.endings.update(_endings(word))
            self._known.add(number)


@cache
def _small() -> _SmallNumbers:
    return _SmallNumbers()


def _endings(word: str) -> Iterable[str]:
    return (word[-count:] for count in range(1, _ENDING_CHARS + 1))


@dataclass(frozen=True, slots=True)
class SpokenNumbers:
    """Numbers that are looked for in words; immutable.

    small    those up to MAX_ORDINAL
    large    the others, by their folds in words
    endings  the last characters of the words of large ones
    """

    small: frozenset[int] = frozenset()
    large: Mapping[str, int] = field(default_factory=dict, repr=False)
    endings: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> SpokenNumbers:
        """Return these numbers, of large ones MAX_LARGE at most, the smallest."""
        told = sorted(frozenset(numbers))
        small = frozenset(number for number in told if number <= MAX_ORDINAL)
        for number in small:
            _small().add(number)
        large = {
            word: number for number in islice(told, len(small), len(small) + MAX_LARGE) for word in spelled(number)
        }
        return cls(small, large, frozenset(ending for word in large for ending in _endings(word)))

    def __bool__(self) -> bool:
        return bool(self.small or self.large)

    def may_end_with(self, folded: str) -> bool:
        """Whether a number in words may end with a folded word: nearly none does."""
        ending = folded[-_ENDING_CHARS:]
        return ending in self.endings or (bool(self.small) and ending in _small().endings)

    def number(self, folded: str) -> int | None:
        """Return the number that folded words are together."""
        found = self.large.get(folded)
        if found is not None:
            return found
        return next((number for number in _small().by_word.get(folded, ()) if number in self.small), None)
