"""Whom or what else a target's name names: places, other known things, given names, and people by common names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from guard.evidence.distinctiveness import bits_of
from guard.targets.target import Draft, Kind
from guard.text.language import language_of
from guard.text.lexicon import given_names, places

SHARED_NAME_BITS = 30.0
"""Names of people with fewer bits are those of many: two words among the commonest 3,000."""

_YEAR_DIGITS = 4


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name, alias or given phrase that others have too, and who or what they are."""

    name: str = field(repr=False)
    why: str


def known_names(draft: Draft) -> Iterator[KnownName]:
    """Yield the names and aliases of a target that others have, and given phrases that everybody knows; no names,
    where `distinguish` tells them apart.

    Only what the word lists know is found: places of 50,000 inhabitants and more, and common names.
    """
    if draft.kind is Kind.SECRET:
        return
    language = language_of(" ".join(fact.answer for fact in draft.facts)) if draft.facts else "en"
    names = () if draft.distinguish else (draft.name, *draft.aliases)
    for name in dict.fromkeys((*names, *draft.phrases)):
        why = _why(name.casefold(), language)
        if why:
            yield KnownName(name, why)


def _why(name: str, language: str) -> str:
    words = name.split()
    if name.isdecimal() and len(name) <= _YEAR_DIGITS:
        return "also years, counts and other numbers of ordinary text"
    if name.removeprefix("the ") in places():
        return "also a place or another thing that everybody knows"
    if len(words) == 1 and name in given_names():
        return "also a given name"
    if given_names().intersection(words) and bits_of(name, language) < SHARED_NAME_BITS:
        return "also the name of other people: all of its words are common"
    return ""
