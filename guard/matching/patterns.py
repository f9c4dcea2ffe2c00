"""What an automaton looks for: each phrase in its spellings, and the longer texts in which a phrase is allowed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from guard.errors import InvalidTarget
from guard.text.borders import (
    BORDER,
    fold_with_borders,
    is_everyday_word,
    is_one_word_in_none,
    words_between_borders,
)
from guard.text.normalise import fold

MAX_PHRASE_BYTES = 32_767
_REPEATED_BORDERS = re.compile(rb" {2,}")


class Exemption(NamedTuple):
    """Inside the longer `text`, `phrase` is allowed."""

    phrase: str
    text: str


class Patterns(NamedTuple):
    """The patterns of one automaton, as bytes of the text that it reads.

    phrases  the spellings of phrases: each with the index of its phrase in `folded_phrases`
    exempt   by a longer pattern, the indices of the phrases that are allowed inside it
    """

    phrases: Mapping[bytes, int]
    exempt: Mapping[bytes, frozenset[int]]


class PatternSets(NamedTuple):
    """Patterns for text without borders, and for text that keeps them."""

    plain: Patterns
    bordered: Patterns


def folded_phrases(phrases: Iterable[str]) -> list[str]:
    """Return the distinct folds of `phrases`, sorted; an automaton numbers its phrases by this list.

    Raises InvalidTarget for a phrase without letters or digits, or of more than MAX_PHRASE_BYTES bytes.
    """
    return _ordered(map(fold, phrases))


def _ordered(folds: Iterable[str]) -> list[str]:
    folded = set(folds)
    if "" in folded:
        raise InvalidTarget("a phrase has no letter or digit", field="phrases")
    if any(len(phrase.encode()) > MAX_PHRASE_BYTES for phrase in folded):
        raise InvalidTarget("a phrase is too long", field="phrases")
    return sorted(folded)


def patterns_of(
    phrases: Collection[str],
    bordered: Collection[str] = (),
    exemptions: Iterable[Exemption] = (),
    within_words: Collection[str] = (),
) -> PatternSets:
    """Return the patterns of `phrases`, found in any spacing, of those `bordered`, found between borders only, and
    of those `within_words`, of one word each, found anywhere but across a border, and letter by letter.

    A phrase that folds like one of both is found in any spacing. Raises InvalidTarget as `folded_phrases` does.
    """
    # Folded once: a layer of recent targets is compiled at every change.
    folds = {phrase: fold(phrase) for phrase in (*phrases, *bordered, *within_words)}
    index = {folded: number for number, folded in enumerate(_ordered(folds.values()))}
    number_of = {phrase: index[folded] for phrase, folded in folds.items()}
    plain = {folds[phrase].encode(): number_of[phrase] for phrase in phrases}
    anywhere = set(plain.values())
    kept = [phrase for phrase in bordered if number_of[phrase] not in anywhere]
    between = {spelling: number_of[phrase] for phrase in kept for spelling in _spellings(phrase)}
    between |= {folds[phrase].encode(): number_of[phrase] for phrase in kept if is_one_word_in_none(phrase)}
    for phrase in within_words:
        if number_of[phrase] not in anywhere:
            (word,) = words_between_borders(phrase)
            between |= dict.fromkeys((word.encode(), _between(word)), number_of[phrase])
    exempt_plain: dict[bytes, frozenset[int]] = {}
    exempt_between: dict[bytes, frozenset[int]] = {}
    for phrase, text in exemptions:
        if (number := index.get(fold(phrase))) is None or not fold(text):
            continue
        exempt, longer = (
            (exempt_plain, fold(text).encode())
            if number in anywhere
            else (exempt_between, _between(words_between_borders(text)))
        )
        exempt[longer] = exempt.get(longer, frozenset()) | {number}
    return PatternSets(_useful(plain, exempt_plain), _useful(between, exempt_between))


def _useful(phrases: Mapping[bytes, int], exempt: Mapping[bytes, frozenset[int]]) -> Patterns:
    """Return the patterns without texts that exempt nothing: no phrase occurs in them, or they are too long."""
    spelt: dict[int, list[bytes]] = {}
    for spelling, number in phrases.items() if exempt else ():
        spelt.setdefault(number, []).append(spelling)
    kept: dict[bytes, frozenset[int]] = {}
    for text, numbers in exempt.items():
        inside = frozenset(n for n in numbers if any(one in text and one != text for one in spelt[n]))
        if inside and len(text) <= MAX_PHRASE_BYTES:
            kept[text] = inside
    return Patterns(phrases, kept)


def _spellings(phrase: str) -> set[bytes]:
    """Return how a phrase is spelt between borders: in its words, as one word, and letter by letter.

    Words that make an everyday word together ("Eve Ning") are not spelt as one.
    """
    words = words_between_borders(phrase)
    joined = "".join(words)
    spelt = {words, tuple(joined)}
    if len(words) > 1 and not is_everyday_word(joined):
        spelt.add((joined,))
    return set(map(_between, spelt))


def _between(words: Iterable[str]) -> bytes:
    return f"{BORDER}{BORDER.join(words)}{BORDER}".encode()


def read(text: str, *, borders: bool) -> bytes:
    """Return what an automaton reads of `text`: its fold, or its letters and borders, as UTF-8."""
    return (fold_with_borders(text) if borders else fold(text)).encode()


def collapsed(read: bytes) -> bytes:
    """Return what was read with adjacent borders as one."""
    return _REPEATED_BORDERS.sub(BORDER.encode(), read)
