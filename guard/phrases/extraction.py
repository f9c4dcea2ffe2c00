"""Extraction: the phrases that reveal what a fact or a passage says."""

from __future__ import annotations

from collections.abc import Iterator

from guard.phrases.names import acronyms, names
from guard.phrases.numbers import codes, dates, numbers
from guard.phrases.phrase import Phrase
from guard.phrases.rare_words import rare_words
from guard.phrases.specific import is_specific
from guard.phrases.titles import titles
from guard.text.normalise import fold


def of_answer(answer: str, question: str) -> Iterator[Phrase]:
    """Yield what the answer of a fact names, and its rare words that the question does not contain."""
    yield from of_passage(answer)
    asked = fold(question)
    rare = (phrase for phrase in rare_words(answer) if is_specific(phrase.text))
    yield from (phrase for phrase in rare if fold(phrase.text) not in asked)


def of_passage(passage: str) -> Iterator[Phrase]:
    """Yield what a passage names: titles, dates, codes, numbers, names and acronyms."""
    for rule in (titles, dates, codes, numbers, names, acronyms):
        yield from (phrase for phrase in rule(passage) if is_specific(phrase.text))
