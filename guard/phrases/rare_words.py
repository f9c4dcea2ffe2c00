"""Rare words: acronyms of any language, and words and pairs of words of English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

from guard.phrases.context import is_common as is_known
from guard.phrases.context import is_compound
from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.english import is_common, is_derived, is_stop, rank
from guard.text.lexicon import english_compounds
from guard.text.words import Word, words_of

_ACRONYM = re.compile(r"(?<!\w)[A-Z][A-Z0-9]*(?:[&./-][A-Z0-9]+)*(?![a-z])")
_MIN_RARE_WORD_CHARS = 5
# Product of the frequency ranks of the two words.
_MIN_RARE_PAIR_RANKS = 50_000_000
_MIN_RANK = 1_000
_OPENERS = frozenset(
    {"a", "an", "the", "his", "her", "their", "its"}
    | {"of", "in", "as", "by", "from", "for", "on", "about", "with", "at", "into"}
)


def acronyms(text: str, language: str) -> Iterator[Phrase]:
    """Yield rare words of capital letters, two letters at least, unless the text is in capitals."""
    letters = [c for c in text if c.isalpha()]
    if 2 * sum(c.isupper() for c in letters) > len(letters):
        return
    for match in _ACRONYM.finditer(text):
        known = is_known(match[0], language) or is_known(match[0], "en")
        if sum(map(str.isalpha, match[0])) > 1 and not known:
            yield Phrase(match[0], PhraseKind.ACRONYM, "acronym")


def rare_words(text: str, language: str) -> Iterator[Phrase]:
    """Yield the rare words of an English text, and the pairs of words that are rare together."""
    words = words_of(text)
    if language == "en" and _is_english(words):
        yield from (Phrase(word, PhraseKind.WORD, "rare word") for word in _rare_words(words))
        yield from (Phrase(pair, PhraseKind.PAIR, "rare pair of words") for pair in _rare_pairs(text, words))


def _rare_words(words: list[Word]) -> Iterator[str]:
    return (word.text for word in words if _is_rare_word(word.text))


def _is_rare_word(word: str) -> bool:
    plain = word.islower() and len(word) >= _MIN_RARE_WORD_CHARS
    return plain and not any(
        is_known(part, "en") or is_derived(part) or is_compound(part, "en") for part in word.split("-")
    )


def _rare_pairs(text: str, words: list[Word]) -> Iterator[str]:
    """Yield pairs of content words placed like an attribute and its noun: after an opener, ending a phrase."""
    for before, first, second, after in zip(words, words[1:], words[2:], [*words[3:], None], strict=False):
        opened = before.text.lower() in _OPENERS
        adjacent = text[before.end : first.start] == " " and text[first.end : second.start] == " "
        closed = after is None or is_stop(after.text) or text[second.end : after.start] != " "
        if opened and adjacent and closed and _is_rare_pair(first.text, second.text):
            yield f"{first.text} {second.text}"


def _is_rare_pair(first: str, second: str) -> bool:
    pair = (first, second)
    plain = all(word.islower() and word.isalpha() and not is_stop(word) and not is_derived(word) for word in pair)
    ranks = [rank(word) for word in pair]
    return (
        plain
        and not any(map(_is_rare_word, pair))
        and min(ranks) >= _MIN_RANK
        and prod(ranks) >= _MIN_RARE_PAIR_RANKS
        and not _is_compound(first, second)
    )


def _is_compound(first: str, second: str) -> bool:
    """Whether a dictionary has the pair as a noun, in the singular or plural."""
    known = english_compounds()
    return any(
        f"{first} {noun}" in known for noun in (second, second.removesuffix("s"), second.removesuffix("es"))
    )


def _is_english(words: list[Word]) -> bool:
    return 2 * sum(is_common(word.text) for word in words) >= len(words)
