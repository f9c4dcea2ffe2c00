"""Extraction: the phrases that reveal what a fact or a passage says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from guard.phrases.context import is_specific
from guard.phrases.known_names import is_known_name
from guard.phrases.names import names
from guard.phrases.numbers import numerals
from guard.phrases.organisations import organisations, streets_and_prizes
from guard.phrases.phrase import Phrase, distinct
from guard.phrases.rare_words import acronyms, rare_words
from guard.phrases.scripts.east_asian_names import chinese_names, japanese_names
from guard.phrases.scripts.korean_names import korean_names
from guard.phrases.scripts.people import people_and_firms
from guard.phrases.scripts.spaced_names import spaced_names
from guard.phrases.scripts.thai_names import thai_names
from guard.phrases.scripts.titles import titles_without_quotes
from guard.phrases.small_titles import small_titles
from guard.phrases.tagger.review import reviewed
from guard.phrases.titled_names import titled_names
from guard.phrases.titles import QUOTED, titles
from guard.text.language import language_of
from guard.text.normalise import fold

_RULES: Mapping[str, Callable[[str], Iterator[Phrase]]] = {
    "zh": chinese_names,
    "ja": japanese_names,
    "ko": korean_names,
    "th": thai_names,
}
_SPACED = frozenset({"ar", "fa", "ur", "he", "hi", "bn"})


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


def _named(text: str, language: str) -> list[Phrase]:
    return reviewed(text, language, distinct(found_by_rules(text, language)))


def found_by_rules(text: str, language: str) -> Iterator[Phrase]:
    """Yield what rules find in `text`, before it is reviewed: titles, numbers, names and acronyms."""
    numeric, lettered = numerals(text, language)
    for found in (
        titles(text, language),
        small_titles(text, language),
        numeric,
        names(lettered, language),
        titled_names(lettered, language),
        streets_and_prizes(lettered, language),
        _uncased_names(lettered, language),
        acronyms(lettered, language),
    ):
        yield from (one for one in found if is_specific(one.text) and not is_known_name(one.text, language))


def _uncased_names(text: str, language: str) -> Iterator[Phrase]:
    """Yield the names in `text`, outside of quotation marks; nothing for a language with capitals."""
    if language not in _SPACED and language not in _RULES:
        return
    unquoted = QUOTED.sub(lambda match: ";" * len(match[0]), text)
    yield from titles_without_quotes(unquoted, language)
    yield from people_and_firms(unquoted, language)
    yield from organisations(unquoted, language)
    if language in _SPACED:
        yield from spaced_names(unquoted, language)
    else:
        yield from _RULES[language](unquoted)
