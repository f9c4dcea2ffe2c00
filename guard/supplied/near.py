"""What must still not be nearly said where a text supplies some of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from guard.matching.alignment import PassageWords, folded_words
from guard.matching.near import NearTexts, content_words, words_needed
from guard.supplied.statement import sentences
from guard.targets.near import parts, tells

MAX_SUPPLIED_WORDS = 5_000
"""Words of a supplied text in which near quotes are looked for; what it quotes later may not be nearly said."""


def without_supplied(near: NearTexts, left: Iterable[str], supplied: str) -> NearTexts:
    """Return what must still not be nearly said where a text supplies the phrases `left`: what that text itself
    nearly says may be."""
    gone = {words for text in left for words in parts(text)}
    by_word: dict[str, list[tuple[str, ...]]] = {}
    for phrase in near.phrases:
        for word in set(phrase):
            by_word.setdefault(word, []).append(phrase)
    said = (content_words(text) for line in supplied.splitlines() for text in sentences(line))
    gone |= {phrase for words in said for phrase in _told(by_word, words)}
    quoted = [each for each in near.passages if _quotes(*each, supplied)]
    texts = "\n".join((*left, supplied))
    values = (each.without_stated(texts) for each in near.values)
    return replace(
        near,
        phrases=tuple(phrase for phrase in near.phrases if phrase not in gone),
        passages=tuple(each for each in near.passages if each not in quoted),
        values=tuple(each for each in values if each),
    )


def _told(by_word: Mapping[str, list[tuple[str, ...]]], words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the phrases that the content words of a sentence nearly say."""
    counts = Counter(phrase for word in set(words) for phrase in by_word.get(word, ()))
    for phrase, count in counts.items():
        if count >= min(words_needed(len(phrase)), len(set(phrase))) and tells(words, phrase):
            yield phrase


def _quotes(passages: PassageWords, most: int, text: str) -> bool:
    """Whether a text nearly quotes `most` words of the passages."""
    score = passages.start
    for word in folded_words(text)[:MAX_SUPPLIED_WORDS]:
        score, words = passages.step(score, word)
        if words >= most:
            return True
    return False
