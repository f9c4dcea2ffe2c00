"""Which of a target's phrases stay forbidden where a text supplies some of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from guard.matching.automaton import Automaton, Occurrence
from guard.phrases.phrase import Phrase
from guard.targets.passages import enforced
from guard.targets.phrases import phrases, variants
from guard.targets.target import Draft, ForgetTarget
from guard.text.composition import compose
from guard.text.conversation import UNSPACED
from guard.text.english import is_stop
from guard.text.normalise import fold
from guard.text.spellings import spellings
from guard.text.words import words_of
from guard.variants.variant import Variant, VariantKind

# A variant of these kinds says as much as its phrase.
_FULL = frozenset(
    {
        VariantKind.ORDER,
        VariantKind.INFLECTION,
        VariantKind.ROMANISED,
        VariantKind.PHONE,
        VariantKind.AMOUNT,
        VariantKind.DATE,
        VariantKind.ADDRESS,
    }
)
_OF_NAMES = frozenset(
    {VariantKind.ORDER, VariantKind.FAMILY_NAME, VariantKind.COURTESY, VariantKind.INITIAL, VariantKind.INFLECTION}
)
_SPACED_LETTER = re.compile(rf"[^\W\d_{UNSPACED}]")
_DIGITS = re.compile(r"\d+")
# Digits of a year or number that every form of it has.
_LAST_DIGITS = 2
# Letters of a word that its other forms begin with as well.
_STEM_CHARS = 3


class Remaining(NamedTuple):
    """What stays forbidden: the exact `strings`, and the phrases that left."""

    strings: frozenset[str]
    left: tuple[str, ...]


class _Rest(NamedTuple):
    """A target without some of its phrases, and the variants of the others that are needed now."""

    target: ForgetTarget
    new: tuple[str, ...]


def remaining(target: ForgetTarget, automaton: Automaton, supplied: str) -> Remaining | None:
    """Return what `target` forbids besides what the text `supplied` says, or None if that says none of it.

    automaton  of all that the target forbids

    A phrase that the text says in full, in whatever form, leaves with all its variants. Of a phrase that it
    says in part, that part leaves, and the phrase is forbidden from the next word on. A passage may be quoted as
    far as the text has it.
    """
    composed = compose(supplied)
    spans = (found for found in automaton.matches(composed) if _is_whole(composed, found))
    said = {fold(composed[found.start : found.end]) for found in spans}
    if not said:
        return None
    left = tuple(_said_in_full(target, said))
    # A part of a number is another form of the number: without it, longer forms would be free.
    said = {folded for folded in said if not folded.isdigit()}
    rest, new = _without(target, left, said)
    # A part that a shorter phrase made needless, which has left, is none that the automaton knows.
    folded = fold(composed)
    said |= {part for text in new if (part := fold(text)) in folded}
    strings = frozenset(enforced(rest))
    begun = {text for text in strings if fold(text) in said}
    return Remaining(strings - begun | frozenset(_next_beginnings(rest.forbidden, said) if begun else ()), left)


def _is_whole(text: str, found: Occurrence) -> bool:
    """Whether what was found begins and ends where words do."""
    before, after = text[max(found.start - 1, 0) : found.start + 1], text[found.end - 1 : found.end + 1]
    return not any(len(pair) > 1 and all(map(_SPACED_LETTER.match, pair)) for pair in (before, after))


def _said_in_full(target: ForgetTarget, said: set[str]) -> Iterator[str]:
    """Yield the phrases of which a form that says all of them is among the folds `said`."""
    spelt = {text: frozenset(map(fold, spellings(text))) for text in target.forbidden}
    others = said.difference(*spelt.values())
    yield from (text for text, folds in spelt.items() if folds & said)
    unsaid = [text for text, folds in spelt.items() if not folds & said and _may_be_form(text, others)]
    yield from (
        phrase.text for phrase in _phrases(target.draft, unsaid) if _has_full_form(target.draft, phrase, others)
    )


def _may_be_form(text: str, others: Iterable[str]) -> bool:
    """Whether any of the folds may be another form of a phrase: it has its digits, or its words' beginnings."""
    digits = max(_DIGITS.findall(text), key=len, default="")[-_LAST_DIGITS:]
    words = [fold(word.text)[:_STEM_CHARS] for word in words_of(text) if not is_stop(word.text)]
    return any(digits in other if digits else all(word in other for word in words) for other in others)


def _has_full_form(draft: Draft, phrase: Phrase, said: Collection[str]) -> bool:
    full = (each for each in variants(draft, [phrase]) if each.kind in _FULL)
    # The end of a number is a form of it that does not say the rest.
    count = _digits(phrase.text)
    whole = (each for each in full if each.kind is not VariantKind.PHONE or _digits(each.text) >= count)
    return any(fold(each.text) in said for each in whole)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _phrases(draft: Draft, texts: Collection[str]) -> list[Phrase]:
    """Return the phrases of these texts, read from the first fact or passage of each alone."""
    facts = {next((fact for fact in draft.facts if text in fact.answer), None) for text in texts}
    passages = {next((passage for passage in draft.passages if text in passage), None) for text in texts}
    small = replace(
        draft,
        facts=tuple(fact for fact in facts if fact is not None),
        passages=tuple(passage for passage in passages if passage is not None),
    )
    return [phrase for phrase in phrases(small) if phrase.text in texts]


def _without(target: ForgetTarget, left: Collection[str], said: Collection[str]) -> _Rest:
    """Return the target without phrases and their variants, and with those variants of the others that contain
    something that is said: they were needless before."""
    draft = target.draft
    gone = {fold(variant.text) for variant in variants(draft, _phrases(draft, left))}
    kept = tuple(text for text in target.forbidden if text not in left)
    longer = [text for text in kept if any(folded in fold(text) for folded in said)]
    found = (variant for variant in variants(draft, _phrases(draft, longer)) if _stays(variant, target))
    new = tuple(variant.text for variant in found)
    texts = dict.fromkeys((*target.variants, *new))
    other = replace(target, forbidden=kept, variants=tuple(text for text in texts if fold(text) not in gone))
    return _Rest(other, new)


def _stays(variant: Variant, target: ForgetTarget) -> bool:
    """Whether a variant is still forbidden: not if it is a name with a part that was forbidden, and left."""
    return variant.kind not in _OF_NAMES or variant.text in target.variants


def _next_beginnings(kept: Iterable[str], said: set[str]) -> Iterator[str]:
    """Yield, for each phrase that begins with something said, its beginning up to the next word that tells."""
    for text in kept:
        ends = [word.end for word in words_of(text) if not is_stop(word.text)]
        begun = [place for place, end in enumerate(ends[:-1]) if fold(text[:end]) in said]
        if begun:
            yield text[: ends[begun[-1] + 1]]
