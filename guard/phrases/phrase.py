"""A phrase that an answer must not contain, with its kind and the reason why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from guard.text.normalise import fold


class PhraseKind(StrEnum):
    """What a phrase is: its kind decides which variants it has and how much of it may be said.

    name      name of a person, organisation or other thing with a name, whole
    alias     another name, as given by the client
    part      a distinctive part of a name: a family name, a rare given name
    place     name of a place, or an address
    title     title of a work, whole or without its subtitle
    date      a date with a day, or with a month and a year
    number    a number as it is written: telephone, card, amount, year
    code      key, plate, e-mail address, URL, IBAN: letters and digits, no words
    acronym   capital letters that are said as letters
    word      a rare word that is no name
    pair      two words that are rare together
    secret    the name, an alias or a phrase of a secret
    phrase    any other phrase that the client gave
    """

    NAME = "name"
    ALIAS = "alias"
    PART = "part"
    PLACE = "place"
    TITLE = "title"
    DATE = "date"
    NUMBER = "number"
    CODE = "code"
    ACRONYM = "acronym"
    WORD = "word"
    PAIR = "pair"
    SECRET = "secret"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A forbidden phrase: its text as written, its kind, and a short stable reason, which quotes no text."""

    text: str = field(repr=False)
    kind: PhraseKind
    why: str


def distinct(phrases: Iterable[Phrase], unwanted: Collection[str] = ()) -> tuple[Phrase, ...]:
    """Return the first phrase of each fold, in order, without those whose fold is in `unwanted`."""
    kept: dict[str, Phrase] = {}
    for phrase in phrases:
        folded = fold(phrase.text)
        if folded not in unwanted:
            kept.setdefault(folded, phrase)
    return tuple(kept.values())
