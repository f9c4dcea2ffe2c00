"""Generates the variants of phrases, when a target is stored: few for each phrase, and never ordinary text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.normalise import fold
from guard.text.spellings import spellings
from guard.variants.addresses import address_variants
from guard.variants.dates import date_variants
from guard.variants.edits import edit_variants
from guard.variants.names import cases, name_variants
from guard.variants.numbers import number_variants
from guard.variants.titles import title_variants
from guard.variants.variant import Variant, VariantKind, Variants

_NAMES = frozenset({VariantKind.ORDER, VariantKind.FAMILY_NAME})
# A phrase's further ones are left out. All forms of a date are 60.
MAX_VARIANTS = 64
MIN_VARIANT_CHARS = 4


def generate(
    phrases: Iterable[Phrase],
    width: Variants,
    *,
    people: Collection[str] = (),
    secret: bool = False,
    exceptions: Collection[str] = (),
) -> tuple[Variant, ...]:
    """Return the variants of `phrases`: with distinct folds, at most MAX_VARIANTS a phrase, none that is ordinary
    text.

    A text that contains a phrase or another variant is left out, as it is forbidden already; so is one that is
    part of an exception.

    people  those of the phrases that are the name of the person to forget
    secret  whether they tell of a secret: then numbers are spelt out, and edits of codes count
    """
    if width is Variants.NONE:
        return ()
    given = tuple(phrases)
    excepted = [fold(exception) for exception in exceptions]
    kept: dict[str, Variant] = {}
    for phrase in given:
        spelt = _spelt(_of(phrase, width, phrase.text in people, secret))
        own = list(islice(_usable(spelt, excepted), MAX_VARIANTS))
        for variant in own:
            kept.setdefault(fold(variant.text), variant)
    return _without_longer(kept, [fold(phrase.text) for phrase in given])


def _of(phrase: Phrase, width: Variants, is_person: bool, secret: bool) -> Iterator[Variant]:
    text, wide = phrase.text, width is Variants.WIDE
    kind = PhraseKind.SECRET if secret and phrase.kind is PhraseKind.CODE else phrase.kind
    if is_person:
        yield from name_variants(text, wide)
    match kind:
        case PhraseKind.NAME:
            yield from cases(text)
            yield from title_variants(text, wide)
        case PhraseKind.TITLE | PhraseKind.PHRASE:
            yield from _of_date_or_number(text, secret)
            yield from title_variants(text, wide)
        case PhraseKind.DATE | PhraseKind.NUMBER:
            yield from _of_date_or_number(text, secret)
        case PhraseKind.CODE:
            yield from address_variants(text)
        case PhraseKind.SECRET:
            yield from address_variants(text)
            yield from _of_date_or_number(text, True)
            yield from edit_variants(text, wide)


def _of_date_or_number(text: str, secret: bool) -> Iterator[Variant]:
    dates = [Variant(form, VariantKind.DATE) for form in date_variants(text)]
    yield from dates or number_variants(text, secret)


def _spelt(variants: Iterable[Variant]) -> Iterator[Variant]:
    for variant in variants:
        yield variant
        if not variant.text.isascii() or variant.kind in _NAMES:
            yield from (Variant(text, variant.kind) for text in spellings(variant.text)[1:])


def _usable(variants: Iterable[Variant], excepted: Collection[str]) -> Iterator[Variant]:
    seen: set[str] = set()
    for variant in variants:
        folded = fold(variant.text)
        known = folded in seen or len(folded) < MIN_VARIANT_CHARS
        if not known and not any(folded in text for text in excepted):
            seen.add(folded)
            yield variant


def _without_longer(kept: dict[str, Variant], phrases: Collection[str]) -> tuple[Variant, ...]:
    shorter = sorted({*kept, *phrases}, key=len)

    def is_needed(folded: str) -> bool:
        return folded not in phrases and not any(text in folded for text in shorter if len(text) < len(folded))

    return tuple(variant for folded, variant in kept.items() if is_needed(folded))
