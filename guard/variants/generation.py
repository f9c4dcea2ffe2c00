"""Generates the variants of phrases, when a target is stored: few for each phrase, and never ordinary text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.borders import crosses_borders, needs_border, words_between_borders
from guard.text.normalise import fold
from guard.text.spellings import spellings
from guard.variants.early import first_distinctive
from guard.variants.edits import edit_variants
from guard.variants.names import cases, name_variants
from guard.variants.romanisation import romanised_variants
from guard.variants.titles import title_variants
from guard.variants.values.addresses import address_variants
from guard.variants.values.dates import date_variants
from guard.variants.values.numbers import iban_variants, number_variants
from guard.variants.variant import Variant, VariantKind, Variants

_WITHOUT_WORDS = frozenset({PhraseKind.CODE, PhraseKind.NUMBER})
_NAMES = frozenset({VariantKind.ORDER, VariantKind.FAMILY_NAME})
# A phrase's further ones are left out. All forms of a date are some 50.
MAX_VARIANTS = 64
MIN_VARIANT_CHARS = 4
MIN_DATE_DIGITS = 7
"""Of a form of a date without a word, that is forbidden in every answer unless variants are `wide`."""


def generate(
    phrases: Iterable[Phrase],
    width: Variants,
    *,
    people: Collection[str] = (),
    secret: bool = False,
    contextual: bool = False,
    exceptions: Collection[str] = (),
) -> tuple[Variant, ...]:
    """Return the variants of `phrases`: with distinct folds, at most MAX_VARIANTS a phrase, none that is ordinary
    text.

    A text that contains a phrase, or another variant of its own phrase, is left out, as it is forbidden already;
    so is one that folds like an exception. In a longer exception it is exempt, as phrases are.

    people      those of the phrases that are the name of the person to forget
    secret      whether they tell of a secret: then numbers are spelt out, and edits of codes count
    contextual  whether they are only forbidden where their target is touched
    """
    if width is Variants.NONE:
        return ()
    given = tuple(phrases)
    texts = {fold(phrase.text): phrase.text for phrase in given}
    excepted = {fold(exception) for exception in exceptions}
    kept: dict[str, Variant] = {}
    for phrase in given:
        spelt = _spelt(_of(phrase, width, phrase.text in people, secret, contextual, excepted))
        if not contextual and width is not Variants.WIDE:
            spelt = (variant for variant in spelt if not _is_short_date(variant))
        own = dict(islice(_usable(spelt, excepted), MAX_VARIANTS))
        kept = _without_longer(own, texts) | kept
    return tuple(kept.values())


def _of(
    phrase: Phrase, width: Variants, is_person: bool, secret: bool, contextual: bool, excepted: Collection[str]
) -> Iterator[Variant]:
    text, wide = phrase.text, width is Variants.WIDE
    if (beginning := first_distinctive(phrase, contextual=contextual)) != text:
        yield Variant(beginning, VariantKind.EARLY)
    kind = PhraseKind.SECRET if secret and phrase.kind in _WITHOUT_WORDS else phrase.kind
    if is_person:
        yield from name_variants(text, wide, excepted)
        yield from romanised_variants(text)
    match kind:
        case PhraseKind.NAME:
            yield from cases(text)
            yield from title_variants(text, wide, is_name=True)
        case PhraseKind.TITLE | PhraseKind.PHRASE:
            yield from _of_date_or_number(text, wide, secret)
            yield from title_variants(text, wide)
        case PhraseKind.DATE | PhraseKind.NUMBER:
            yield from _of_date_or_number(text, wide, secret)
        case PhraseKind.CODE:
            yield from address_variants(text)
            yield from iban_variants(text)
        case PhraseKind.SECRET:
            yield from address_variants(text)
            yield from iban_variants(text)
            yield from _of_date_or_number(text, wide, True)
            yield from edit_variants(text)


def _of_date_or_number(text: str, wide: bool, secret: bool) -> Iterator[Variant]:
    dates = [Variant(form, VariantKind.DATE) for form in date_variants(text, wide)]
    yield from dates or number_variants(text, secret)


def _spelt(variants: Iterable[Variant]) -> Iterator[Variant]:
    for variant in variants:
        yield variant
        if not variant.text.isascii() or variant.kind in _NAMES:
            yield from (Variant(text, variant.kind) for text in spellings(variant.text)[1:])


def _is_short_date(variant: Variant) -> bool:
    """Whether a form of a date has so few digits that they stand in ordinary text: 98 1998, 0 2019. 2."""
    folded = fold(variant.text)
    return variant.kind is VariantKind.DATE and folded.isdecimal() and len(folded) < MIN_DATE_DIGITS


def _usable(variants: Iterable[Variant], excepted: Collection[str]) -> Iterator[tuple[str, Variant]]:
    """Yield the variants by their folds, each once."""
    seen: set[str] = set()
    for variant in variants:
        folded = fold(variant.text)
        if folded not in seen and folded not in excepted and len(folded) >= MIN_VARIANT_CHARS:
            seen.add(folded)
            yield folded, variant


def _without_longer(own: Mapping[str, Variant], phrases: Mapping[str, str]) -> dict[str, Variant]:
    """Return the variants without those that contain a phrase or another variant: they are forbidden already.

    `phrases` has the texts by their folds. What is matched between word borders must be whole words of the longer.
    """
    texts = {**phrases, **{folded: variant.text for folded, variant in own.items()}}
    ordered = sorted(texts, key=len)
    lengths = [len(folded) for folded in ordered]

    def covers(shorter: str, longer: str) -> bool:
        return shorter in longer and (
            _has_words(texts[longer], texts[shorter])
            or not (needs_border(texts[shorter]) or crosses_borders(texts[shorter]))
        )

    def is_needed(folded: str) -> bool:
        shorter = ordered[: bisect_left(lengths, len(folded))]
        return folded not in phrases and not any(covers(text, folded) for text in shorter)

    return {folded: variant for folded, variant in own.items() if is_needed(folded)}


def _has_words(longer: str, shorter: str) -> bool:
    spaced, sought = (f" {' '.join(words_between_borders(text))} " for text in (longer, shorter))
    return sought in spaced
