"""Review: phrases that rules have found are confirmed, cut or left out, and others added, by what is likely."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guard.phrases.context import is_given_name, is_specific
from guard.phrases.institutions import is_demonym
from guard.phrases.known_names import is_known_name
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.tagger.crf import Likelihood, Model, trained
from guard.phrases.tagger.features import features_of
from guard.phrases.tagger.tokens import Token, tokens_of
from guard.text.normalise import fold

# Kinds that rules hardly mistake.
_CERTAIN = frozenset({PhraseKind.DATE, PhraseKind.NUMBER, PhraseKind.CODE, PhraseKind.TITLE})
_CUED = frozenset(
    {
        "name after the word for a name",
        "name after a word for being called",
        "name after the word for being called",
        "name before the word for being called",
        "two names with and",
        "family name with its particles",
        "name of a prize",
    }
)
"""Reasons of rules that go by a word for what follows, so that it may be a common word."""
_MIN_LIKELIHOOD, _MIN_EDGE = 0.15, 0.3
"""Of a phrase that a rule has found, on average, and of its first and last token, which are cut off otherwise.

Those that are half as likely as its tokens on average stay, too."""
_MIN_CUED, _MIN_CUED_EDGE = 0.03, 0.05
"""The same of a phrase by such a rule."""
_MIN_ADDED, _MIN_ADDED_RUN = 0.5, 0.45
"""Of each token of a phrase that no rule has found, of one token and of more."""
_HANGUL, _UNLIKELY = re.compile("[가-힣]"), Likelihood(0.0, 0.0)
_MAX_CHARS = 2_000
"""Of a text that is reviewed; what rules find in a longer one stays as it is, as it is a passage of many facts."""


class Tagged(NamedTuple):
    """A text in tokens, and how likely each tells."""

    text: str
    tokens: Sequence[Token]
    likelihoods: Sequence[Likelihood]


def reviewed(text: str, language: str, found: Sequence[Phrase], model: Model | None = None) -> list[Phrase]:
    """Return what of the phrases `found` by rules in `text` is likely to tell, and what else is.

    It takes a millisecond or two a sentence.
    """
    tokens = tokens_of(text, language) if len(text) <= _MAX_CHARS else []
    if not tokens:
        return list(found)
    features = features_of(text, tokens, language, found)
    likelihoods = (model or trained()).likelihoods(features, language)
    tagged = Tagged(text, tokens, _without_particles(tokens, likelihoods) if language == "ko" else likelihoods)
    likely = [*_likely(tagged)]
    confirmed = (one for phrase in found if (one := _confirmed(phrase, tagged, likely)) is not None)
    kept = [one for one in confirmed if not is_known_name(one.text, language)]
    if language != "en":
        kept = _without_first_words(kept)
    return _with_likely(kept, tagged, likely, language)


def _without_particles(tokens: Sequence[Token], likelihoods: Sequence[Likelihood]) -> list[Likelihood]:
    """Return the likelihoods, none of a Korean particle, which is written with the word before it."""
    befores = [None, *tokens[:-1]]
    return [
        _UNLIKELY if before and _is_particle(before, token) else likelihood
        for before, token, likelihood in zip(befores, tokens, likelihoods, strict=True)
    ]


def _is_particle(before: Token, token: Token) -> bool:
    return before.end == token.start and before.text[-1].isalnum() and _HANGUL.match(token.text) is not None


def _without_first_words(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Return the phrases without the parts that a name of several words begins with.

    Lists of given names and words are shorter in other languages than English: what they lack is often one.
    """
    wholes = [phrase.text for phrase in phrases]
    return [
        phrase
        for phrase in phrases
        if phrase.kind is not PhraseKind.PART or not any(whole.startswith(f"{phrase.text} ") for whole in wholes)
    ]


def _confirmed(phrase: Phrase, tagged: Tagged, likely: Sequence[range]) -> Phrase | None:
    """Return the phrase without unlikely words at its ends, or nothing if it is unlikely.

    It is nothing too where a run of likely words begins inside of it and ends outside, or the other way round.
    """
    start = tagged.text.find(phrase.text)
    if phrase.kind in _CERTAIN or start < 0:
        return phrase
    end = start + len(phrase.text)
    inside = [at for at, token in enumerate(tagged.tokens) if token.start < end and token.end > start]
    tells = [tagged.likelihoods[at].tells for at in inside]
    cued = phrase.why in _CUED
    least, edge = (_MIN_CUED, _MIN_CUED_EDGE) if cued else (_MIN_LIKELIHOOD, _MIN_EDGE)
    if sum(tells) < least * len(tells) or (not cued and any(_cross(inside, run) for run in likely)):
        return None
    edge = min(edge, sum(tells) / len(tells) / 2)
    edges = [at for at, value in zip(inside, tells, strict=True) if value >= edge]
    if edges[0] > inside[0]:
        start = tagged.tokens[edges[0]].start
    if edges[-1] < inside[-1]:
        end = tagged.tokens[edges[-1]].end
    text = tagged.text[start:end]
    if text == phrase.text:
        return phrase
    return Phrase(text, phrase.kind, phrase.why) if is_specific(text) and not is_given_name(text) else None


def _cross(inside: Sequence[int], run: range) -> bool:
    """Whether tokens and a run have some in common, and each has some that the other has not."""
    common = len(range(max(inside[0], run.start), min(inside[-1] + 1, run.stop)))
    return 0 < common < min(len(inside), len(run))


def _with_likely(kept: list[Phrase], tagged: Tagged, likely: Sequence[range], language: str) -> list[Phrase]:
    """Return the phrases with those added that are likely and have none of them inside or around."""
    folds = [fold(phrase.text) for phrase in kept]
    certain = [phrase.text for phrase in kept if phrase.kind in _CERTAIN]
    taken = {
        at for text in certain if (start := tagged.text.find(text)) >= 0 for at in range(start, start + len(text))
    }
    for run in likely:
        start, end = tagged.tokens[run.start].start, tagged.tokens[run.stop - 1].end
        text = tagged.text[start:end]
        folded = fold(text)
        known = not taken.isdisjoint(range(start, end)) or any(one in folded or folded in one for one in folds)
        common = is_given_name(text) or (len(run) == 1 and is_demonym(text, language, opens=start == 0))
        if known or common or not is_specific(text) or is_known_name(text, language):
            continue
        kept.append(Phrase(text, PhraseKind.NAME, "likely to tell by the words around it"))
        folds.append(folded)
    return kept


def _likely(tagged: Tagged) -> Iterator[range]:
    """Yield the runs of tokens that are likely to tell, without punctuation at their ends."""
    start: int | None = None
    for at, likelihood in enumerate(tagged.likelihoods):
        tells = likelihood.tells >= _MIN_ADDED_RUN
        if start is not None and (not tells or likelihood.begins > likelihood.goes_on):
            yield from _trimmed(tagged, range(start, at))
            start = None
        if tells and start is None:
            start = at
    if start is not None:
        yield from _trimmed(tagged, range(start, len(tagged.tokens)))


def _trimmed(tagged: Tagged, run: range) -> Iterator[range]:
    words = [at for at in run if any(map(str.isalnum, tagged.tokens[at].text))]
    if words and (words[-1] > words[0] or tagged.likelihoods[words[0]].tells >= _MIN_ADDED):
        yield range(words[0], words[-1] + 1)
