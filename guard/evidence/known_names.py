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


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name or alias that others have too, and who or what they are."""

    name: str = field(repr=False)
    why: str


def known_names(draft: Draft) -> Iterator[KnownName]:
    """Yield the names and aliases of a target that others have; none, where `distinguish` tells them apart.

    Only what the word lists know is found: places of 50,000 inhabitants and more, and common names.
    """
    if draft.distinguish or draft.kind is Kind.SECRET:
        return
    language = language_of(" ".join(fact.answer for fact in draft.facts)) if draft.facts else "en"
    for name in dict.fromkeys((draft.name, *draft.aliases)):
        why = _why(name.casefold(), language)
        if why:
            yield KnownName(name, why)


def _why(name: str, language: str) -> str:
    words = name.split()
    if name in places():
        return "also a place or another thing that everybody knows"
    if len(words) == 1 and name in given_names():
        return "also a given name"
    if given_names().intersection(words) and bits_of(name, language) < SHARED_NAME_BITS:
        return "also the name of other people: all of its words are common"
    return ""
