"""Review: phrases that rules have found are confirmed, cut or left out, and others added, by what is likely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from guard.phrases.context import is_specific
from guard.phrases.institutions import is_demonym
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.tagger.crf import Likelihood, Model, trained
from guard.phrases.tagger.features import features_of
from guard.phrases.tagger.tokens import Token, tokens_of
from guard.text.normalise import fold

# Kinds that rules hardly mistake.
_CERTAIN = frozenset({PhraseKind.DATE, PhraseKind.NUMBER, PhraseKind.CODE, PhraseKind.TITLE})
_MIN_LIKELIHOOD = 0.03
"""Of a phrase that a rule has found, on average; less likely ones are left out."""
_MIN_EDGE = 0.05
"""Of the first and last token of such a phrase; less likely ones are cut off."""
_MIN_ADDED = 0.5
"""Of each token of a phrase that no rule has found."""
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
    tagged = Tagged(text, tokens, (model or trained()).likelihoods(features, language))
    kept = [one for phrase in found if (one := _confirmed(phrase, tagged)) is not None]
    if language != "en":
        kept = _without_first_words(kept)
    return _with_likely(kept, tagged, language)


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


def _confirmed(phrase: Phrase, tagged: Tagged) -> Phrase | None:
    """Return the phrase without unlikely words at its ends, or nothing if it is unlikely."""
    start = tagged.text.find(phrase.text)
    if phrase.kind in _CERTAIN or start < 0:
        return phrase
    end = start + len(phrase.text)
    inside = [at for at, token in enumerate(tagged.tokens) if token.start < end and token.end > start]
    tells = [tagged.likelihoods[at].tells for at in inside]
    if sum(tells) < _MIN_LIKELIHOOD * len(tells):
        return None
    likely = [at for at, value in zip(inside, tells, strict=True) if value >= _MIN_EDGE]
    if not likely:
        return phrase
    if likely[0] > inside[0]:
        start = tagged.tokens[likely[0]].start
    if likely[-1] < inside[-1]:
        end = tagged.tokens[likely[-1]].end
    text = tagged.text[start:end]
    if text == phrase.text:
        return phrase
    return Phrase(text, phrase.kind, phrase.why) if is_specific(text) else None


def _with_likely(kept: list[Phrase], tagged: Tagged, language: str) -> list[Phrase]:
    """Return the phrases with those added that are likely and have none of them inside or around."""
    folds = [fold(phrase.text) for phrase in kept]
    certain = [phrase.text for phrase in kept if phrase.kind in _CERTAIN]
    taken = {
        at for text in certain if (start := tagged.text.find(text)) >= 0 for at in range(start, start + len(text))
    }
    for run in _likely(tagged):
        start, end = run[0].start, run[-1].end
        text = tagged.text[start:end]
        folded = fold(text)
        known = not taken.isdisjoint(range(start, end)) or any(one in folded or folded in one for one in folds)
        if known or not is_specific(text) or (len(run) == 1 and is_demonym(text, language, opens=start == 0)):
            continue
        kept.append(Phrase(text, PhraseKind.NAME, "likely to tell by the words around it"))
        folds.append(folded)
    return kept


def _likely(tagged: Tagged) -> Iterator[list[Token]]:
    """Yield the runs of tokens that are likely to tell, without punctuation at their ends."""
    run: list[Token] = []
    for token, likelihood in zip(tagged.tokens, tagged.likelihoods, strict=True):
        begins = likelihood.begins > likelihood.goes_on
        if begins or likelihood.tells < _MIN_ADDED:
            yield from _trimmed(run)
            run = []
        if likelihood.tells >= _MIN_ADDED:
            run.append(token)
    yield from _trimmed(run)


def _trimmed(run: Sequence[Token]) -> Iterator[list[Token]]:
    words = [at for at, token in enumerate(run) if any(map(str.isalnum, token.text))]
    if words:
        yield [*run[words[0] : words[-1] + 1]]
