"""Which of a target's phrases stay forbidden where a text supplies some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from guard.matching.automaton import Automaton
from guard.matching.near import MIN_CONTENT_WORDS, content_words
from guard.phrases.phrase import Phrase
from guard.supplied.rule import sentences
from guard.targets.passages import enforced, enforced_phrases
from guard.targets.phrases import phrases, variants
from guard.targets.target import Draft, ForgetTarget
from guard.text.composition import compose
from guard.text.english import is_stop
from guard.text.normalise import fold
from guard.text.spellings import spellings
from guard.text.words import words_of
from guard.variants.variant import Variant, VariantKind

# Words of a phrase in one sentence by which that may nearly say it.
MIN_TOLD_WORDS = 2
# A variant of these kinds says as much as its phrase.
_FULL = frozenset(
    {
        VariantKind.ORDER,
        VariantKind.INFLECTION,
        VariantKind.PHONE,
        VariantKind.AMOUNT,
        VariantKind.DATE,
        VariantKind.DIGIT_WORDS,
        VariantKind.ADDRESS,
    }
)
_OF_NAMES = frozenset(
    {VariantKind.ORDER, VariantKind.FAMILY_NAME, VariantKind.COURTESY, VariantKind.INITIAL, VariantKind.INFLECTION}
)


class Remaining(NamedTuple):
    """What stays forbidden: the exact `strings`, and the `target` whose phrases and passages must not be nearly
    said."""

    strings: frozenset[str]
    target: ForgetTarget


def remaining(target: ForgetTarget, automaton: Automaton, supplied: str) -> Remaining | None:
    """Return what `target` forbids besides what the text `supplied` says, or None if that says none of it.

    automaton  of all that the target forbids

    A phrase that the text says in full, in whatever form, leaves with all its variants. Of a phrase that it
    says in part, that part leaves, and the phrase is forbidden from the next word on. A passage may be quoted as
    far as the text has it. What the text nearly says may be nearly said.
    """
    composed = compose(supplied)
    said = {fold(composed[found.start : found.end]) for found in automaton.matches(composed)}
    if not said:
        return None
    kept = [phrase for phrase in phrases(target.draft) if not said & _folds(target.draft, phrase)]
    rest = replace(
        target,
        forbidden=tuple(phrase.text for phrase in kept),
        variants=tuple(variant.text for variant in variants(target.draft, kept) if _stays(variant, target)),
    )
    # A part that a shorter phrase made needless, which has left, is none that the automaton knows.
    folded = fold(composed)
    new = {fold(text) for text in enforced_phrases(rest)} - {fold(text) for text in enforced_phrases(target)}
    said |= {text for text in new if text in folded}
    begun = [text for text in enforced_phrases(rest) if fold(text) in said]
    strings = frozenset(enforced(rest)).difference(begun, said)
    strings |= frozenset(_next_beginnings(kept, said) if begun else ())
    exceptions = (*target.draft.exceptions, *_telling(rest, supplied))
    return Remaining(strings, replace(rest, draft=replace(target.draft, exceptions=exceptions)))


def _telling(target: ForgetTarget, supplied: str) -> Iterator[str]:
    """Yield the sentences that have so many words of a phrase or passage that they may nearly say it."""
    told = (*target.forbidden, *target.draft.passages)
    words = [text for text in map(frozenset, map(content_words, told)) if len(text) >= MIN_CONTENT_WORDS]
    every = frozenset(chain.from_iterable(words))
    for line in supplied.splitlines():
        for sentence in sentences(line):
            own = every.intersection(content_words(sentence))
            if len(own) > 1 and any(len(own & text) >= MIN_TOLD_WORDS for text in words):
                yield sentence


def _folds(draft: Draft, phrase: Phrase) -> frozenset[str]:
    """Return the folds of all ways to write a phrase in full."""
    full = (each.text for each in variants(draft, [phrase]) if each.kind in _FULL)
    return frozenset(map(fold, (*spellings(phrase.text), *full)))


def _stays(variant: Variant, target: ForgetTarget) -> bool:
    """Whether a variant is still forbidden: not if it is a name with a part that was forbidden, and left."""
    return variant.kind not in _OF_NAMES or variant.text in target.variants


def _next_beginnings(kept: Sequence[Phrase], said: set[str]) -> Iterator[str]:
    """Yield, for each phrase that begins with something said, its beginning up to the next word that tells."""
    for phrase in kept:
        ends = [word.end for word in words_of(phrase.text) if not is_stop(word.text)]
        begun = [place for place, end in enumerate(ends[:-1]) if fold(phrase.text[:end]) in said]
        if begun:
            yield phrase.text[: ends[begun[-1] + 1]]
