"""Extraction: the phrases that reveal what a fact or a passage says."""

from __future__ import annotations

from collections.abc import Iterator

from guard.phrases.names import names
from guard.phrases.numbers import numerals
from guard.phrases.phrase import Phrase
from guard.phrases.rare_words import acronyms, rare_words
from guard.phrases.specific import is_specific
from guard.phrases.titles import titles
from guard.phrases.uncased_names import uncased_names
from guard.text.language import language_of
from guard.text.normalise import fold


def of_answer(answer: str, question: str) -> Iterator[Phrase]:
    """Yield what the answer of a fact names, and its rare words that the question does not contain."""
    # A short answer is in the language of its question.
    language = language_of(f"{question} {answer}")
    yield from _named(answer, language)
    asked = fold(question)
    rare = (phrase for phrase in rare_words(answer, language) if is_specific(phrase.text))
    yield from (phrase for phrase in rare if fold(phrase.text) not in asked)


def of_passage(passage: str) -> Iterator[Phrase]:
    """Yield what a passage names: titles, dates, codes, numbers, names and acronyms."""
    yield from _named(passage, language_of(passage))


def _named(text: str, language: str) -> Iterator[Phrase]:
    numeric, lettered = numerals(text, language)
    for found in (
        titles(text, language),
        numeric,
        names(lettered, language),
        uncased_names(lettered, language),
        acronyms(lettered, language),
    ):
        yield from (phrase for phrase in found if is_specific(phrase.text))
