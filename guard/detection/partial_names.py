"""Finds parts of names: a surname, an initial with a surname, given name and surname in any order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

from guard.detection.given_names import other_forms
from guard.text.composition import MARKS
from guard.text.english import is_common
from guard.text.normalise import fold
from guard.text.spellings import spellings

# How telling a part of a name is. Both ends, in any order and with a name between, count as the name itself.
BOTH_ENDS_WEIGHT = 1.0
INITIAL_WEIGHT = 0.75
LAST_WORD_WEIGHT = 0.6
FIRST_WORD_WEIGHT = 0.4

# A word in the names of more targets identifies none of them.
MAX_OWNERS = 3
MAX_KEPT_OWNERS = 64
"""A word of more is not kept: some of the others may end while the finder is in use."""
MIN_LETTERS = 3
# Words that may be between the ends: "Orla Maria de Venn", "Venn, Dr. Orla".
MAX_WORDS_BETWEEN = 2

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "dame", "lord", "lady", "saint", "st"})
_LETTER = rf"(?:[^\W_]|[{MARKS}])"
_WORD = re.compile(rf"{_LETTER}+(?:[\u00ad\u200b-\u200d\u2060]{_LETTER}+)*")


Owners = Callable[[str], int]
"""Tells how many targets have a folded word in their names."""


class NameEnds(NamedTuple):
    """The first and the last word of a name, folded, and those of the two that tell something alone, by weight."""

    first: str
    last: str
    telling: tuple[tuple[str, float], ...]


def name_ends(names: Iterable[str]) -> tuple[NameEnds, ...]:
    """Return the ends of every spelling of `names` of two words or more."""
    spelt = dict.fromkeys(spelling for name in names for spelling in spellings(name))
    found = ([folded for word in _WORD.findall(spelling) if (folded := fold(word))] for spelling in spelt)
    ends = dict.fromkeys((words[0], words[-1]) for words in found if len(words) > 1)
    return tuple(NameEnds(first, last, _telling(first, last)) for first, last in ends)


def _telling(first: str, last: str) -> tuple[tuple[str, float], ...]:
    weights = ((last, LAST_WORD_WEIGHT), (first, FIRST_WORD_WEIGHT))
    return tuple(
        (word, weight)
        for word, weight in weights
        if len(word) >= MIN_LETTERS and not word.isdigit() and not is_common(word)
    )


class PartialNames:
    """Finds targets by parts of names of two words or more; immutable.

    The first word may be another form of the given name (Thomas for Tom). A first or last word counts alone if it
    has MIN_LETTERS letters, is no common English word and belongs to at most MAX_OWNERS targets, unless it is next
    to another name: "Elsie Venn" is not "Orla Venn", nor is "Orla Dross". Where a text names another bearer of a
    surname, the surname alone is that one's, too. The time does not depend on the number of targets.
    """

    def __init__(
        self,
        pairs: Mapping[tuple[str, str], frozenset[str]],
        words: Mapping[str, Mapping[str, float]],
        crowded: frozenset[str],
    ) -> None:
        self._pairs = pairs
        self._words = words
        self._crowded = crowded
        self._firsts = frozenset(first for first, _ in pairs)

    @classmethod
    def build(cls, names: Mapping[str, Iterable[NameEnds]]) -> Self:
        """Return the finder of the parts of these names by target id, see `name_ends`."""
        pairs: dict[tuple[str, str], set[str]] = {}
        words: dict[str, dict[str, float]] = {}
        for target, given in names.items():
            for first, last, telling in given:
                others = other_forms(first)
                for pair in ((first, last), (last, first), (first[0], last), *((other, last) for other in others)):
                    pairs.setdefault(pair, set()).add(target)
                for word, weight in telling:
                    owners = words.setdefault(word, {})
                    owners[target] = max(weight, owners.get(target, 0.0))
        distinct = {word: owners for word, owners in words.items() if len(owners) <= MAX_KEPT_OWNERS}
        crowded = frozenset(words.keys() - distinct.keys())
        return cls({pair: frozenset(owners) for pair, owners in pairs.items()}, distinct, crowded)

    def owners(self, word: str, ended: frozenset[str] = frozenset()) -> int:
        """Return how many targets have a folded word in their names, without those that ended."""
        return MAX_KEPT_OWNERS if word in self._crowded else len(self._words.get(word, {}).keys() - ended)

    def found(
        self, text: str, ended: frozenset[str] = frozenset(), others: Sequence[Owners] = ()
    ) -> dict[str, float]:
        """Return by target how telling the part of its name that `text` contains is, from 0 to 1.

        The targets `ended` count for nothing; `others` tell how many more targets have a word.
        """
        weights: dict[str, float] = {}
        # Lists of strings, which garbage collection does not look through. Word by word: finding all at once
        # holds the interpreter for 80 ms per megabyte.
        words: list[str] = []
        folds: list[str] = []
        for found in _WORD.finditer(text):
            if folded := fold(found[0]):
                words.append(found[0])
                folds.append(folded)
        borne: set[str] = set()
        for target, weight in self._parts(words, folds, borne, ended, others):
            weights[target] = max(weight, weights.get(target, 0.0))
        # Whoever is named with another given name bears the surname, unless the whole name is there too.
        kept = weights.items()
        return {target: weight for target, weight in kept if weight > LAST_WORD_WEIGHT or target not in borne}

    def _parts(
        self,
        words: list[str],
        folds: list[str],
        borne: set[str],
        ended: frozenset[str],
        others: Sequence[Owners],
    ) -> Iterator[tuple[str, float]]:
        """Yield targets with what a part of their name tells; add to `borne` whose surname another bears."""
        for index, word in enumerate(folds):
            owners = self._words.get(word, {})
            if ended:
                owners = {target: weight for target, weight in owners.items() if target not in ended}
            count = len(owners) + sum(other(word) for other in others) if owners else 0
            for target, weight in owners.items() if count <= MAX_OWNERS else ():
                is_last = weight == LAST_WORD_WEIGHT
                neighbour = index - 1 if is_last else index + 1
                if not (0 <= neighbour < len(words) and _is_name(words[neighbour], folds[neighbour])):
                    yield target, weight
                elif is_last:
                    borne.add(target)
            if word not in self._firsts:
                continue
            for other in folds[index + 1 : index + 2 + MAX_WORDS_BETWEEN]:
                weight = INITIAL_WEIGHT if len(word) == 1 else BOTH_ENDS_WEIGHT
                for target in self._pairs.get((word, other), ()):
                    yield target, weight


def _is_name(word: str, folded: str) -> bool:
    return word[0].isupper() and len(folded) > 1 and folded not in _TITLES and not is_common(folded)
