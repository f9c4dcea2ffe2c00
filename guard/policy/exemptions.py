"""Texts in which a phrase is allowed: exceptions that contain it, syllables, words and days in which it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from guard.matching.patterns import Exemption
from guard.targets.passages import enforced
from guard.targets.target import ForgetTarget
from guard.text.folded_dates import tens_before
from guard.text.normalise import fold
from guard.text.segmentation import longer_words

MAX_SYLLABLE_CHARS = 4
"""Of a folded phrase, that may be inside a syllable by chance."""
# Consonants of a script without spaces, and the signs before them of the same syllable, where no name begins.
_SYLLABLES = (
    ("\u0e01-\u0e2e", "\u0e40\u0e41\u0e42\u0e43\u0e44"),  # Thai
    ("\u0e81-\u0eae", "\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4"),  # Lao
    ("\u1780-\u17a2", "\u17d2"),  # Khmer
    ("\u1000-\u1021", "\u1039"),  # Myanmar
)
# A day of one digit, perhaps.
_BEGINS_WITH_DIGIT = re.compile(r"\W*[1-9](?!\d)")
_BEGINS_SYLLABLE = re.compile("|".join(f"([{consonants}])" for consonants, _ in _SYLLABLES))


def exemptions(target: ForgetTarget) -> frozenset[Exemption]:
    """Return the exemptions of a target: each of its exceptions, with each phrase that it contains; syllables; and
    days.

    The phrases are folded. An exception that folds like a phrase takes the phrase away, see `enforced`. A short
    phrase of Thai, Lao, Khmer or Myanmar begins where a syllable does: มา is not in เมา. In a longer word of Thai,
    Chinese or Japanese a short phrase is not said either: มา is not in มาก, 马可 not in 马可波罗. A date
    whose day has one digit is not in one with two: 1 May 1961 is not in 21 May 1961.
    """
    exceptions = [(text, fold(text)) for text in target.draft.exceptions]
    if not exceptions and not any(map(_may_begin_inside, (*target.forbidden, *target.variants))):
        return frozenset()
    phrases = set(map(fold, enforced(target)))
    excepted = (
        Exemption(folded, text)
        for folded in phrases
        for text, folded_text in exceptions
        if folded in folded_text and folded != folded_text
    )
    inside = (Exemption(folded, char + folded) for folded in phrases for char in _before(folded))
    named = {text for text in map(str.strip, (*target.forbidden, *target.variants)) if fold(text) in phrases}
    words = (Exemption(fold(text), word) for text in named for word in longer_words(text))
    return frozenset(chain(excepted, inside, words))


def _may_begin_inside(text: str) -> bool:
    if text.isascii() and not _BEGINS_WITH_DIGIT.match(text):
        return False
    return bool(_before(fold(text)) or longer_words(text))


def _before(folded: str) -> str:
    """Return the characters of which each may stand before a phrase that is then another one: signs before a short
    phrase in the syllable that it begins in, digits before that of a day."""
    if digits := tens_before(folded):
        return digits
    match = _BEGINS_SYLLABLE.match(folded) if len(folded) <= MAX_SYLLABLE_CHARS else None
    return _SYLLABLES[match.lastindex - 1][1] if match and match.lastindex else ""


def common_exemptions(targets: Iterable[ForgetTarget]) -> frozenset[Exemption]:
    """Return the exemptions of several targets' phrases together: those of all targets that forbid the phrase."""
    everyone = list(targets)
    exempt = {target.id: own for target in everyone if (own := exemptions(target))}
    if not exempt:
        return frozenset()
    common: dict[str, frozenset[Exemption]] = {}
    affected = {exemption.phrase for own in exempt.values() for exemption in own}
    for target in everyone:
        own = exempt.get(target.id, frozenset())
        for folded in affected & set(map(fold, enforced(target))):
            allowed = frozenset(one for one in own if one.phrase == folded)
            common[folded] = common.get(folded, allowed) & allowed
    return frozenset().union(*common.values())
