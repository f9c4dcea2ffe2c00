"""The phrases an answer must not contain: those a target names, and those extracted from facts and passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from guard.patterns.pattern import PatternKind
from guard.patterns.validators import phrases_of
from guard.patterns.value_class import classes_of, found_in
from guard.phrases import extraction
from guard.phrases.numbers import kind_of
from guard.phrases.phrase import Phrase, PhraseKind, distinct
from guard.phrases.side_effects import MAX_EXAMPLES, SideEffect, side_effects
from guard.phrases.titles import names_of_works
from guard.targets.target import Draft, Kind, Scope
from guard.text.language import language_of
from guard.text.lexicon import ranks
from guard.text.normalise import fold
from guard.variants.generation import generate
from guard.variants.names import cases
from guard.variants.romanisation import romanised
from guard.variants.variant import Variant, Variants

MAX_MATCHED_WORDS = 5_000
"""Commonest words of a language that regular expressions are tried on."""
NAMED_KINDS = frozenset({Kind.PERSON, Kind.WORK, Kind.SECRET})


def forbidden(draft: Draft) -> tuple[str, ...]:
    """Return the text of every phrase to enforce for `draft`: see `phrases`."""
    return tuple(phrase.text for phrase in phrases(draft))


def phrases(draft: Draft) -> tuple[Phrase, ...]:
    """Return every phrase to enforce for `draft`, with distinct folds, the explicit ones first.

    They are the name (of a person, work or secret), the aliases, the explicit phrases, the listed values and the
    extracted phrases, without those that fold like an exception.
    """
    excepted = {fold(exception) for exception in draft.exceptions}
    return distinct(chain(_given(draft), _listed(draft), extract(draft)), excepted)


def variants(draft: Draft, found: Sequence[Phrase] | None = None) -> tuple[Variant, ...]:
    """Return the other ways to write the phrases of `draft` that are forbidden too, as many as `draft.variants`
    says."""
    return generate(
        phrases(draft) if found is None else found,
        draft.variants,
        people=(draft.name, *draft.aliases) if draft.kind is Kind.PERSON else (),
        secret=draft.kind is Kind.SECRET,
        contextual=draft.scope is Scope.CONTEXTUAL,
        exceptions=draft.exceptions,
    )


def side_effects_of(draft: Draft) -> tuple[SideEffect, ...]:
    """Return the phrases of `draft` that also forbid common words of English or of the language of its texts, and
    its regular expressions that match some of the MAX_MATCHED_WORDS commonest."""
    texts = (draft.name, *(fact.answer for fact in draft.facts), *draft.passages)
    language = language_of("\n".join(texts))
    return (*side_effects(forbidden(draft), language), *_matched_words(draft, language))


def _matched_words(draft: Draft, language: str) -> Iterator[SideEffect]:
    expressions = (pattern for pattern in draft.patterns if pattern.kind is PatternKind.REGEX)
    for pattern in expressions:
        common = dict.fromkeys(
            word for code in (language, "en") for word in islice(ranks(code), MAX_MATCHED_WORDS)
        )
        found = [word for value_class in classes_of([pattern]) for word in common if found_in(value_class, word)]
        if found:
            yield SideEffect(pattern.value, len(found), tuple(found)[:MAX_EXAMPLES])


def names_of(draft: Draft) -> tuple[str, ...]:
    """Return the names by which the detector knows a target, with their cases and, of people, in Latin letters,
    unless it wants no variants."""
    names = (draft.name, *draft.aliases)
    if draft.variants is Variants.NONE:
        return names
    spelt = (variant.text for name in names for variant in cases(name))
    latin = chain.from_iterable(map(romanised, names if draft.kind is Kind.PERSON else ()))
    return (*names, *spelt, *(name for name in latin if " " in name))


def extract(draft: Draft) -> tuple[Phrase, ...]:
    """Return the phrases that reveal the draft's facts and passages, with distinct folds.

    From both, titles, names, dates with a day, numbers of six digits and more, codes and rare acronyms; from an
    English fact's answer also the rare words and pairs of words that its question does not contain. What is common
    in the language or known everywhere is context and never forbidden by itself: docs/phrases.md.

        rule          in the text                          extracted
        titles        wrote “The Salt Road: A Memoir”      The Salt Road: A Memoir; The Salt Road
                      painted The Last Lamp in 1984        The Last Lamp
        dates         born on 3 May 1961                   3 May 1961
        codes         plate K7-ZX-44, mail a@b.example     K7-ZX-44; a@b.example
        numbers       call +44 20 7946 0958                +44 20 7946 0958
        names         met Orla van Quarn in Bremen         Orla van Quarn; Quarn
        acronyms      joined the QWERT                     QWERT
        rare words    a retired luthier                    luthier
        rare pairs    works as a tomato grower             tomato grower
        works         by Tolkien, in Mordor (of a work)    Tolkien; Mordor
    """
    of_facts = (extraction.of_answer(fact.answer, fact.question) for fact in draft.facts)
    made_known: Iterator[Phrase] = iter(())
    if draft.kind is Kind.WORK:
        # A short answer is in the language of its question.
        languages = (language_of(f"{fact.question} {fact.answer}") for fact in draft.facts)
        made_known = chain(
            *(names_of_works(f.answer, lang) for f, lang in zip(draft.facts, languages, strict=True))
        )
    return distinct(chain(*of_facts, *map(extraction.of_passage, draft.passages), made_known))


def _listed(draft: Draft) -> Iterator[Phrase]:
    """Yield the phrases of the listed values."""
    return chain.from_iterable(map(phrases_of, draft.patterns))


def _given(draft: Draft) -> Iterator[Phrase]:
    """Yield what the client gave. A work's name is a title, and whatever is said of a secret is secret."""
    name, alias, phrase = {
        Kind.WORK: (PhraseKind.TITLE, PhraseKind.TITLE, PhraseKind.PHRASE),
        Kind.SECRET: (PhraseKind.SECRET, PhraseKind.SECRET, PhraseKind.SECRET),
    }.get(draft.kind, (PhraseKind.NAME, PhraseKind.ALIAS, PhraseKind.PHRASE))
    if draft.kind in NAMED_KINDS:
        yield Phrase(draft.name, name, "the target's name")
    yield from (Phrase(text, alias, "an alias of the target") for text in draft.aliases)
    for text in draft.phrases:
        kind = kind_of(text) if phrase is PhraseKind.PHRASE else None
        yield Phrase(text, kind or phrase, "a phrase given with the target")
