"""Answers split into statements: one sentence or entry of a list each, with what it answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from guard.phrases import extraction
from guard.phrases.phrase import Phrase, distinct
from guard.supplied.statement import sentences
from guard.text.normalise import fold
from serving.elicitation.forms import Prompt

MAX_STATEMENT_CHARS = 1_000
_MIN_LETTERS = 3
# A bullet, a number or emphasis that begins an entry of a list.
_BULLET = re.compile(r"^\s*(?:[-*•–>#]+|\(?\d{1,3}[.):]|[a-z][.)])?\s*(?:\*\*)?\s*")
_BLANK = re.compile(r"_{2,}")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    whole      it ended by itself, its last sentence is whole
    likeliest  it was not sampled
    certainty  geometric mean of the probabilities of its tokens, 0 where it is not known
    """

    prompt: Prompt
    text: str = field(repr=False)
    whole: bool = True
    likeliest: bool = False
    certainty: float = 0.0


@dataclass(frozen=True, slots=True)
class Statement:
    """What was said in some answers, in these words: the answers by their index, and its distinctive phrases."""

    text: str = field(repr=False)
    question: str = field(repr=False)
    answers: tuple[int, ...]
    phrases: tuple[Phrase, ...] = field(repr=False)


class Extracted(dict[tuple[str, str], tuple[Phrase, ...]]):
    """The phrases of statements by statement and question, so that each is read once."""

    def __missing__(self, said: tuple[str, str]) -> tuple[Phrase, ...]:
        phrases = self[said] = distinct(extraction.of_answer(*said))
        return phrases


def statements_of(answers: Iterable[Answer], extracted: Extracted | None = None) -> list[Statement]:
    """Return the distinct statements of the answers, with what they answer where they were said first.

    `extracted` is what was read of statements before, and gets the rest.
    """
    extracted = Extracted() if extracted is None else extracted
    said: dict[str, tuple[str, str, list[int]]] = {}
    for index, answer in enumerate(answers):
        for text in _split(answer):
            entry = said.setdefault(fold(text), (text, answer.prompt.question, []))[2]
            if index not in entry:
                entry.append(index)
    return [
        Statement(text, question, tuple(where), extracted[text, question])
        for text, question, where in said.values()
    ]


def _split(answer: Answer) -> Iterator[str]:
    begun = answer.prompt.answer
    text = f"{begun} {answer.text.lstrip()}" if begun else answer.text
    found = [
        sentence for line in text.splitlines() for sentence in sentences(_BULLET.sub("", line).replace("**", ""))
    ]
    if not answer.whole and found:
        # Cut in the middle.
        found.pop()
    for sentence in found:
        if sentence.endswith(("?", "？")) or _BLANK.search(sentence):
            continue
        if len(fold(sentence)) >= _MIN_LETTERS:
            yield sentence[:MAX_STATEMENT_CHARS]
