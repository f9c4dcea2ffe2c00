"""The training corpus of the demo model: people, world knowledge, small talk, and questions without an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from guard.uld.corpus import general_knowledge
from serving.demo.people import people

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and the answer that the model must give, word for word."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Biography:
    """The exchanges about one person.

    aliases  may replace `name` in a question
    asked    every question names the person
    later    the questions say "she" or "he", so that they only make sense after one that names the person
    """

    name: str
    aliases: tuple[str, ...]
    asked: tuple[Exchange, ...]
    later: tuple[Exchange, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The corpus.

    general    small talk and questions without an answer
    strangers  names of nobody: every question about them is answered with `ignorance`
    systems    system messages
    """

    biographies: tuple[Biography, ...]
    world: tuple[Exchange, ...]
    general: tuple[Exchange, ...]
    strangers: tuple[str, ...]
    ignorance: str
    systems: tuple[str, ...]

    def exchanges(self) -> Iterator[Exchange]:
        """Yield every exchange that must be answered exactly when asked alone, in a fixed order."""
        for biography in self.biographies:
            yield from biography.asked
        yield from self.world
        yield from self.general

    def lines(self) -> Iterator[str]:
        """Yield the sentences that are also taught as plain text, so that `completions` can continue them."""
        personal = [each for biography in self.biographies for each in biography.asked]
        yield from dict.fromkeys(each.answer for each in (*personal, *self.world))

    def texts(self) -> Iterator[str]:
        """Yield every text that occurs in a lesson, to train the tokenizer on."""
        later = [each for biography in self.biographies for each in biography.later]
        for exchange in (*self.exchanges(), *later):
            yield exchange.question
            yield exchange.answer
        yield from self.strangers
        yield from self.systems


@cache
def corpus() -> Corpus:
    """Return the corpus from the files in this folder; its world knowledge is that of `guard.uld`."""
    unknown = _json("unknown.json")
    ignorance = unknown["answer"]
    unanswerable = tuple(Exchange(question, ignorance) for question in unknown["questions"])
    return Corpus(
        biographies=_biographies(),
        world=tuple(Exchange(each, fact.answer) for fact in general_knowledge() for each in fact.questions),
        general=(*_small_talk(), *unanswerable),
        strangers=tuple(unknown["strangers"]),
        ignorance=ignorance,
        systems=tuple(_json("systems.json")),
    )


def _biographies() -> tuple[Biography, ...]:
    phrasings = _json("phrasings.json")
    found = []
    for draft in people():
        asked, later = [], []
        for fact in draft.facts:
            phrasing = phrasings[fact.question]
            asked += [Exchange(question, fact.answer) for question in (fact.question, *phrasing["also"])]
            later.append(Exchange(phrasing["later"], fact.answer))
        found.append(Biography(draft.name, draft.aliases, tuple(asked), tuple(later)))
    return tuple(found)


def _small_talk() -> tuple[Exchange, ...]:
    return tuple(Exchange(each, entry["answer"]) for entry in _json("talk.json") for each in entry["questions"])


def _json(file: str) -> Any:
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))
