"""Facts that the tagger learns from: those that rules were tuned on, more of the same kind, filled patterns."""

from __future__ import annotations

import lzma
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from eval.phrases.labelled_facts import LabelledFact, Split, labelled_facts
from guard.phrases.extraction import found_by_rules
from guard.phrases.phrase import Phrase, PhraseKind, distinct
from guard.phrases.tagger.features import features_of
from guard.phrases.tagger.tokens import Token, tokens_of
from guard.text.language import language_of

OUTSIDE, BEGINS, GOES_ON = LABELS = ("O", "B", "I")
_FILLED = 70
"""Filled patterns in each language."""
_SEED = 7
_FIRST_SYLLABLE, _FINALS = 0xAC00, 28
# Korean particles after a final consonant and after a vowel; patterns have either.
_PARTICLES = (
    *(("이라고", "라고"), ("으로만", "로만"), ("은", "는"), ("을", "를"), ("과", "와"), ("이", "가")),
    ("이라는", "라는"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A fact with what rules find in it, and the features and label of each of its tokens."""

    fact: LabelledFact
    found: tuple[Phrase, ...]
    features: list[list[str]]
    labels: list[str]


def of_split(split: Split) -> list[Example]:
    """Return the facts of a set with what the rules of its day found in them before they were mended on it.

    The rules of today find nearly all in it, so that a tagger would learn to trust them more than it may.
    """
    return [example(fact, found) for fact, found in zip(labelled_facts(split), first_found(split), strict=True)]


def further() -> list[Example]:
    """Return the facts and filled patterns that no rule was tuned on, with what rules find in them."""
    return [example(fact, _found(fact.text)) for fact in facts_and_patterns()]


def facts_and_patterns() -> list[LabelledFact]:
    """Return the facts that only a tagger learns from, and filled patterns: the same ones in each call."""
    facts = [LabelledFact(row[0], row[1], tuple(filter(None, row[2].split("|"))), ()) for row in _rows("facts")]
    return [*facts, *_filled(), *_ordinary()]


def _ordinary() -> Iterator[LabelledFact]:
    """Yield ordinary English sentences, in which nothing tells: every second one, as the others measure."""
    lines = files("eval.phrases").joinpath("ordinary.txt").read_text("utf-8").splitlines()
    sentences = [line for line in lines if line and not line.startswith("#")]
    yield from (LabelledFact("en", sentence, (), ()) for sentence in sentences[::2])


def example(fact: LabelledFact, found: Sequence[Phrase]) -> Example:
    """Return the fact as an example, in which rules have `found` phrases."""
    language = language_of(fact.text)
    tokens = tokens_of(fact.text, language)
    features = [row.named(language) for row in features_of(fact.text, tokens, language, found)]
    return Example(fact, tuple(found), features, _labels(fact, tokens))


def _found(text: str) -> tuple[Phrase, ...]:
    return distinct(found_by_rules(text, language_of(text)))


def _labels(fact: LabelledFact, tokens: Sequence[Token]) -> list[str]:
    labels = [OUTSIDE] * len(tokens)
    for told in fact.tells:
        start = fact.text.index(told)
        end = start + len(told)
        label = BEGINS
        for at, token in enumerate(tokens):
            whole = start <= token.start and token.end <= end
            if whole or (token.start < end and token.end > start and token.text[0].isalnum()):
                labels[at], label = label, GOES_ON
    return labels


def first_found(split: Split) -> list[list[Phrase]]:
    """Return what rules found in each fact of a set before they were mended on it."""
    found: list[list[Phrase]] = [[] for _ in labelled_facts(split)]
    for name, row, text, kind, why in _found_rows():
        if name == split:
            found[int(row)].append(Phrase(text, PhraseKind(kind), why))
    return found


@cache
def _found_rows() -> list[list[str]]:
    data = files("eval.phrases.training").joinpath("first_found.tsv.xz").read_bytes()
    return _split(lzma.decompress(data).decode("utf-8"))


def _filled() -> Iterator[LabelledFact]:
    """Yield patterns with what they may be filled with, drawn for each language, and those that tell nothing."""
    patterns: dict[str, list[tuple[str, str]]] = defaultdict(list)
    fillers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for language, kind, text in _rows("patterns"):
        if kind == "none":
            yield LabelledFact(language, text, (), ())
        elif "{}" in text:
            patterns[language].append((kind, text))
        else:
            fillers[language, kind].append(text)
    draw = random.Random(_SEED)
    for language, rows in patterns.items():
        every = [(pattern, filler) for kind, pattern in rows for filler in fillers[language, kind]]
        for pattern, filler in draw.sample(every, _FILLED):
            text = _fill(pattern, filler) if language == "ko" else pattern.replace("{}", filler)
            text = text[0].upper() + text[1:]
            yield LabelledFact(language, text, (filler if filler in text else filler[0].upper() + filler[1:],), ())


def _fill(pattern: str, filler: str) -> str:
    """Fill a Korean pattern, with the particle that follows the last sound of the filler."""
    before, after = pattern.split("{}")
    consonant = bool((ord(filler[-1]) - _FIRST_SYLLABLE) % _FINALS)
    for pair in _PARTICLES:
        written = next((particle for particle in pair if after.startswith(particle)), None)
        if written is not None:
            return before + filler + pair[not consonant] + after.removeprefix(written)
    return before + filler + after


def _rows(name: str) -> list[list[str]]:
    return _split(files("eval.phrases.training").joinpath(f"{name}.tsv").read_text("utf-8"))


def _split(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
