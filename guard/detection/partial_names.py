"""Whose name stands in a text in part: a surname, an initial before it, given name and surname in any order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from guard.text.english import is_common
from guard.text.normalise import fold

# How much a part of a name tells. Both ends of it, in any order and with a name between, are the name itself.
BOTH_ENDS = 1.0
INITIAL = 0.75
LAST = 0.6
FIRST = 0.4

# A word that more targets bear tells of none of them.
MOST_BEARERS = 3
LEAST_LETTERS = 3
# How many words may stand between the ends: "Orla Maria de Venn", "Venn, Dr. Orla".
BETWEEN = 2

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dame", "lord", "lady", "saint", "st"})
_WORD = re.compile(r"[^\W_]+(?:[\u00ad\u200b-\u200d\u2060][^\W_]+)*")


class PartialNames:
    """Finds targets by parts of names of two words or more; immutable.

    A first or last word counts alone when it has 3 letters, is no common English word and belongs to at most 3
    targets, unless it stands beside another name: "Elsie Venn" is not "Orla Venn", nor is "Orla Dross". The time
    does not grow with the number of targets.
    """

    def __init__(
        self, pairs: Mapping[tuple[str, str], frozenset[str]], words: Mapping[str, Mapping[str, float]]
    ) -> None:
        self._pairs = pairs
        self._words = words

    @classmethod
    def build(cls, names: Mapping[str, Iterable[str]]) -> Self:
        """Return the finder of the parts of these names by target id."""
        pairs: dict[tuple[str, str], set[str]] = {}
        words: dict[str, dict[str, float]] = {}
        for target, given in names.items():
            for name in given:
                split = _folded_words(name)
                if len(split) < 2:
                    continue
                first, last = split[0], split[-1]
                for pair in ((first, last), (last, first), (first[0], last)):
                    pairs.setdefault(pair, set()).add(target)
                for word, told in ((last, LAST), (first, FIRST)):
                    if len(word) >= LEAST_LETTERS and not word.isdigit() and not is_common(word):
                        bearers = words.setdefault(word, {})
                        bearers[target] = max(told, bearers.get(target, 0.0))
        distinct = {word: bearers for word, bearers in words.items() if len(bearers) <= MOST_BEARERS}
        return cls({pair: frozenset(bearers) for pair, bearers in pairs.items()}, distinct)

    def found(self, text: str) -> dict[str, float]:
        """Return by target how much the part of its name that `text` holds tells, from 0 to 1."""
        told: dict[str, float] = {}
        split = [(word, folded) for word in _WORD.findall(text) if (folded := fold(word))]
        for target, amount in self._seen(split):
            told[target] = max(amount, told.get(target, 0.0))
        return told

    def _seen(self, split: list[tuple[str, str]]) -> Iterator[tuple[str, float]]:
        for place, (_, word) in enumerate(split):
            for target, amount in self._words.get(word, {}).items():
                beside = place - 1 if amount == LAST else place + 1
                if not (0 <= beside < len(split) and _is_name(*split[beside])):
                    yield target, amount
            for _, other in split[place + 1 : place + 2 + BETWEEN]:
                amount = INITIAL if len(word) == 1 else BOTH_ENDS
                for target in self._pairs.get((word, other), ()):
                    yield target, amount


def _is_name(word: str, folded: str) -> bool:
    return word[0].isupper() and len(folded) > 1 and folded not in _TITLES and not is_common(folded)


def _folded_words(text: str) -> list[str]:
    return [folded for word in _WORD.findall(text) if (folded := fold(word))]
