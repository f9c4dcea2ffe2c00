"""How distinctive a phrase is: in bits, by how rarely ordinary text has its words."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from guard.phrases.titles import names_of_works, titles
from guard.targets.target import ForgetTarget, Kind
from guard.text.language import language_of
from guard.text.lexicon import english_names, ranks
from guard.text.normalise import ascii_digits, fold
from guard.text.spellings import spellings
from guard.text.words import word_texts

TITLE_BITS = 30.0
"""From here on the title of a work in a fact tells its target by itself: 10^9 words have it once by chance."""
GIVEN_BITS = 24.0
"""The same for a phrase that the client gave, a number or a code."""
NAME_BITS = 20.0
"""The same for a name or alias: two common names together have as much, an everyday word has less."""
LONE_NAME_BITS = 16.0
"""The same for a name of one word that is nothing but a name (Rihanna, Aristotle)."""
OTHER_BITS = 60.0
"""What else follows from a fact, names of other people and things above all, is never decisive: its weight is its
share of these bits, OTHER_WEIGHT at most."""
OTHER_WEIGHT = 0.6
WORK_NAME_WEIGHT = 0.5
"""The least weight of a name that a work made known (Hogwarts, Dumbledore): two of one work tell it."""
UNLISTED_WORD_BITS = 22.0
"""Of a word that no list of common words has."""
MAX_WORDS = 24
"""A longer phrase is a text, which is found by its meaning."""
# Of words, the share of which the word of rank r is about 1 / (WORDS_PER_RANK * r) (Zipf's law).
_WORDS_PER_RANK = 11.0
_BITS_PER_CHAR = 5.5
_BITS_PER_IDEOGRAPH = 8.0
_FIRST_IDEOGRAPH = "\u2e80"
_MIN_IDEOGRAPHS = 3
_BITS_PER_DIGIT = 3.3
# Any year of our time.
_YEAR_BITS = 7.0
_MANY_DIGITS = re.compile(r"\d{5}|\d\D?\d\D?\d\D?\d\D?\d\D?\d\D?\d")
_MAX_CODE_WORDS = 6


class DistinctivePhrase(NamedTuple):
    """A phrase of a target in folded words, and its weight: 1.0 for one that is decisive."""

    words: tuple[str, ...]
    weight: float


def bits_of(text: str, language: str = "en") -> float:
    """Return how distinctive `text` is: the sum over its words of minus the binary logarithm of their frequency.

    A word counts as common if English or `language` has it.
    """
    return sum(_word_bits(word, language) for word in word_texts(text))


def folded_words(text: str) -> tuple[str, ...]:
    """Return the folded words of `text`, without those that fold to nothing."""
    return tuple(filter(None, map(fold, word_texts(text))))


class Evidence(NamedTuple):
    """What tells a target: its distinctive phrases, and its decisive ones with variants."""

    distinctive: tuple[DistinctivePhrase, ...]
    decisive: frozenset[str]


def evidence_of(target: ForgetTarget) -> Evidence:
    """Return both kinds of phrases of a target, in less time than one after the other."""
    judge = _Judge(target)
    return Evidence(_distinctive(target, judge), frozenset(_decisive(target, judge)))


def _distinctive(target: ForgetTarget, judge: _Judge) -> tuple[DistinctivePhrase, ...]:
    """Return the phrases by which a text shows that it is about the target. Names and their parts are left out, as
    they are signals of their own."""
    found: dict[tuple[str, ...], float] = {}
    for phrase in target.forbidden:
        words = folded_words(phrase)
        if words and len(words) <= MAX_WORDS and not judge.name_words.issuperset(words):
            found[words] = max(found.get(words, 0.0), judge.weight(phrase))
    return tuple(DistinctivePhrase(words, weight) for words, weight in found.items())


def decisive_phrases(target: ForgetTarget) -> Iterator[str]:
    """Yield the names and phrases of `target` that tell it by themselves, wherever they are said, with variants.

    They are among those that the target forbids, but for names of people with the family name first. The name of a
    topic is none. Runs of its passages are left out.
    """
    return _decisive(target, _Judge(target))


def _decisive(target: ForgetTarget, judge: _Judge) -> Iterator[str]:
    decisive = [phrase for phrase in target.forbidden if judge.weight(phrase) >= 1.0]
    yield from (spelling for phrase in decisive for spelling in spellings(phrase))
    if not decisive:
        return
    if target.draft.kind is Kind.PERSON:
        yield from map(_family_name_first, filter(judge.has_two_names, decisive))
    spelt = [(set(words), words[-1]) for phrase in decisive if (words := folded_words(phrase))]
    for variant in target.variants:
        words = folded_words(variant)
        # The beginning of a phrase may end inside a word.
        if words and any(len(own & {*words, last}) > 1 or words == (last,) for own, last in spelt):
            enough = NAME_BITS if judge.is_name(words) else TITLE_BITS
            if bits_of(variant, judge.language) >= enough:
                yield variant


class _Judge:
    """Weighs the phrases of one target."""

    def __init__(self, target: ForgetTarget) -> None:
        draft = target.draft
        texts = [fact.answer for fact in draft.facts] + list(draft.passages)
        # A name alone tells no language.
        self.language = language_of("\n".join([draft.name, *texts[:8]])) if texts else "en"
        self._names = set(map(fold, (draft.name, *draft.aliases)))
        self.name_words = {word for name in (draft.name, *draft.aliases) for word in folded_words(name)}
        self._given = set(map(fold, draft.phrases))
        self._titles = {fold(found.text) for text in texts for found in titles(text, self.language)}
        works = texts if draft.kind is Kind.WORK else []
        self._work_names = {fold(found.text) for text in works for found in names_of_works(text, self.language)}
        self._weights: dict[str, float] = {}

    def is_name(self, words: Sequence[str]) -> bool:
        """Whether these words are of the target's names."""
        return len(self.name_words.intersection(words)) > 1

    def has_two_names(self, phrase: str) -> bool:
        """Whether this is a name of the target in two words."""
        return fold(phrase) in self._names and len(phrase.split()) == 2

    def weight(self, phrase: str) -> float:
        """Return the weight of `phrase`: 1.0 if it is decisive."""
        if phrase not in self._weights:
            self._weights[phrase] = self._weight(phrase)
        return self._weights[phrase]

    def _weight(self, phrase: str) -> float:
        folded, words = fold(phrase), word_texts(phrase)
        bits = sum(_word_bits(word, self.language) for word in words) if len(words) <= MAX_WORDS else 0.0
        if folded in self._names:
            # Whole names of scripts without case are one word, and common ones are in word lists.
            whole = phrase[0] >= _FIRST_IDEOGRAPH and len(phrase) >= _MIN_IDEOGRAPHS
            lone = len(words) == 1 and words[0].casefold() in english_names()
            return 1.0 if whole else min(1.0, bits / (LONE_NAME_BITS if lone else NAME_BITS))
        if folded in self._given or (_MANY_DIGITS.search(phrase) and len(words) <= _MAX_CODE_WORDS):
            return min(1.0, bits / GIVEN_BITS)
        if folded in self._titles:
            return min(1.0, bits / TITLE_BITS)
        return max(WORK_NAME_WEIGHT * (folded in self._work_names), min(OTHER_WEIGHT, bits / OTHER_BITS))


def _family_name_first(name: str) -> str:
    return " ".join(reversed(name.split()))


@lru_cache(maxsize=65_536)
def _word_bits(word: str, language: str) -> float:
    plain = ascii_digits(word)
    if plain.isdecimal():
        is_year = len(plain) == 4 and 1000 <= int(plain) < 2100
        return _YEAR_BITS if is_year else _BITS_PER_DIGIT * len(plain.strip("0") or "0")
    folded = word.casefold().replace("’", "'")
    lists: Collection[str] = dict.fromkeys(("en", language))
    found = [rank for one in lists if (rank := ranks(one).get(folded))]
    if found:
        return math.log2(_WORDS_PER_RANK * min(found))
    if "-" in word:
        return sum(_word_bits(part, language) for part in word.split("-") if part)
    per_char = _BITS_PER_IDEOGRAPH if word[0] >= _FIRST_IDEOGRAPH else _BITS_PER_CHAR
    return min(UNLISTED_WORD_BITS, per_char * len(word))
