"""Word borders: a reading of text that keeps them, and which phrases are only forbidden between two of them.

Folding lets borders vanish, so that no spacing disguises a phrase. A short name is then found inside common words,
"Eve" in "never", and across two of them, "Li Na" in "Caroli-na": such phrases are matched with their borders.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, combinations

import numpy as np
from numpy.typing import NDArray

from guard.text.lexicon import words_used
from guard.text.normalise import Folds, fold, fold_char

BORDER = " "
"""What every character that is no letter reads as; adjacent ones count as one border."""
MAX_HIT_RATE = 1e-6
"""How often in a word of ordinary text a phrase may be found by chance and still be matched without borders."""
MIN_JOINED_CHARS = 7
"""Of a name of several words that is found inside words where it is written as one."""
_MIN_WORD_CHARS = 5
# Longer phrases are in no text by chance.
_MAX_CHARS = 14
# Languages, and the least frequency of a word that is looked at.
_LANGUAGES = {"en": 1e-6} | dict.fromkeys(("de", "fr", "es", "it", "pt", "nl", "pl", "sv", "ru"), 1e-5)
# Markdown sets a part of a word in bold by it ("**L**i"). Shown as nothing, too.
_EMPHASIS = "*"
# Shown as nothing, or on the letter before.
_INVISIBLE = frozenset({"Mn", "Mc", "Me", "Cf"})
_GRAM_CHARS = 4
_EVERYDAY = 2e-5
_NEVER = np.zeros(1)
_REPEATED = re.compile(f"{BORDER}+")


def _read(char: str) -> str:
    folded = fold_char(char)
    if not folded:
        # A replacement character stands for bytes that may yet become a letter.
        return "" if unicodedata.category(char) in _INVISIBLE or char in (_EMPHASIS, "\ufffd") else BORDER
    shown = "".join(letter if letter.islower() or letter.isupper() else BORDER for letter in folded)
    return _REPEATED.sub(BORDER, shown)


_FOLDS = Folds(_read)


def fold_with_borders(text: str) -> str:
    """Return the letters of `text` as `fold` does, and a BORDER for every other character that is shown.

    Letters are those of scripts with case. Digits and letters of other scripts are borders: no word mixes them.
    Code points fold independently: `fold_with_borders(a + b) == fold_with_borders(a) + fold_with_borders(b)`.
    """
    return text.translate(_FOLDS)


def words_between_borders(text: str) -> tuple[str, ...]:
    """Return the folded words of `text`."""
    return tuple(fold_with_borders(text).split())


@lru_cache(maxsize=4_096)
def needs_border(phrase: str) -> bool:
    """Whether `phrase` is matched between word borders only, as without them it would be found in ordinary text.

    So are phrases of letters, with case, that words or pairs of words of everyday language contain. Of a name of
    one word and five letters or more, only words count that contain it: see `crosses_borders`.
    """
    folded = fold(phrase)
    return len(folded) <= _MAX_CHARS and _needs_border(folded, _is_one_word(phrase, folded))


@lru_cache(maxsize=4_096)
def crosses_borders(phrase: str) -> bool:
    """Whether `phrase` is a name of one word that no word of ordinary text contains, but two words do.

    Such a name is found inside words: between borders only, a model that may not end "Aysha" would go on inside
    the word ("Ayshaly"). It is not found across them ("may share").
    """
    folded = fold(phrase)
    if len(folded) > _MAX_CHARS or not _is_one_word(phrase, folded):
        return False
    return not _needs_border(folded, True) and _needs_border(folded, False)


def is_one_word_in_none(phrase: str) -> bool:
    """Whether `phrase` has several words and MIN_JOINED_CHARS letters, and no ordinary word contains them joined.

    As one word it is then found inside words: "Ines Tate" in "theinestate", though not in "wines taste".
    """
    folded = fold(phrase)
    several = len(words_between_borders(phrase)) > 1
    return several and MIN_JOINED_CHARS <= len(folded) <= _MAX_CHARS and not _needs_border(folded, True)


def _is_one_word(phrase: str, folded: str) -> bool:
    return len(folded) >= _MIN_WORD_CHARS and len(words_between_borders(phrase)) == 1


def is_everyday_word(folded: str) -> bool:
    """Whether folded text is a word that is used in every 50,000 words of a language, or more often."""
    return _everyday_words().frequency(folded) >= _EVERYDAY


@lru_cache(maxsize=65_536)
def _needs_border(folded: str, is_one_word: bool) -> bool:
    if not folded or BORDER in fold_with_borders(folded):
        return False
    words = _everyday_words()
    rates = words.rates_inside(folded) if is_one_word else words.rates(folded)
    return bool(rates.max() > MAX_HIT_RATE)


class _Words:
    """The everyday words of several languages, folded, and how often each is used: float64 [words, languages]."""

    def __init__(self, frequencies: Mapping[str, NDArray[np.float64]]) -> None:
        self._frequencies = frequencies
        self._words = sorted(frequencies)
        self._reversed = sorted(word[::-1] for word in frequencies)
        # Of all words before each, in order.
        self._before = _sums([frequencies[word] for word in self._words])
        self._before_reversed = _sums([frequencies[word[::-1]] for word in self._reversed])
        self._text = " " + " ".join(self._words) + " "
        self._starts = list(accumulate((len(word) + 1 for word in self._words), initial=1))
        self._grams = {self._text[at : at + _GRAM_CHARS] for at in range(len(self._text))}

    def frequency(self, folded: str) -> float:
        """Return how often a word is used in the language that uses it most."""
        return float(max(self._frequencies.get(folded, _NEVER)))

    def rates(self, folded: str) -> NDArray[np.float64]:
        """Return how often per word of text `folded` is found inside words or across them: [languages]."""
        cuts = range(1, len(folded))
        before = _share(self._reversed, self._before_reversed, [folded[:cut][::-1] for cut in cuts])
        after = _share(self._words, self._before, [folded[cut:] for cut in cuts])
        rates: NDArray[np.float64] = self.rates_inside(folded) + (before * after).sum(0)
        for first, last in combinations(cuts, 2):
            if (word := self._frequencies.get(folded[first:last])) is not None:
                rates += before[first - 1] * word * after[last - 1]
        return rates

    def rates_inside(self, folded: str) -> NDArray[np.float64]:
        """Return how often per word of text `folded` is found inside another word: [languages]."""
        total = np.zeros(len(_LANGUAGES))
        grams = (folded[at : at + _GRAM_CHARS] for at in range(max(1, len(folded) - _GRAM_CHARS + 1)))
        if len(folded) >= _GRAM_CHARS and not all(gram in self._grams for gram in grams):
            return total
        at = self._text.find(folded)
        while at >= 0:
            word = self._words[bisect_right(self._starts, at) - 1]
            # A phrase that is a word itself is not found in it by chance.
            if word != folded:
                total += self._frequencies[word]
            at = self._text.find(folded, at + 1)
        return total


def _sums(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    sums = np.zeros((len(rows) + 1, len(_LANGUAGES)))
    # Row by row: numpy would hold the interpreter while it makes one array of so many.
    for index, row in enumerate(rows):
        sums[index + 1] = row
    return np.cumsum(sums, axis=0)


def _share(words: list[str], before: NDArray[np.float64], prefixes: list[str]) -> NDArray[np.float64]:
    """Return the frequency of all words that begin with each prefix, float64 [prefixes, languages]."""
    first = [bisect_left(words, prefix) for prefix in prefixes]
    last = [bisect_left(words, prefix + "\U0010ffff", at) for prefix, at in zip(prefixes, first, strict=True)]
    share: NDArray[np.float64] = before[last] - before[first]
    return share


@cache
def _everyday_words() -> _Words:
    frequencies: dict[str, NDArray[np.float64]] = {}
    for index, (language, least) in enumerate(_LANGUAGES.items()):
        for word, often in words_used(language, least):
            if (folded := fold(word)) and BORDER not in fold_with_borders(folded):
                frequencies.setdefault(folded, np.zeros(len(_LANGUAGES)))[index] += often
    return _Words(frequencies)
