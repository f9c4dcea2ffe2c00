"""Words of seven languages, in small letters, that tell a task and a question from a statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Final

ByLanguage = Mapping[str, frozenset[str]]


def _sections() -> Mapping[str, ByLanguage]:
    found: dict[str, dict[str, frozenset[str]]] = {}
    section: dict[str, frozenset[str]] = {}
    for line in files(__package__).joinpath("words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            language, *words = line.split()
            section[language] = section.get(language, frozenset()).union(words)
    return found


def _all(words: ByLanguage) -> frozenset[str]:
    return frozenset[str]().union(*words.values())


_WORDS: Final = _sections()
LANGUAGES: Final = frozenset(_WORDS["orders"])
"""Codes of the languages whose statements are told from questions."""

# After nothing but polite words, one of these hands over a text to work on: the rest of the turn is that text.
WORK: Final = _all(_WORDS["work"])
POLITE: Final = _all(_WORDS["polite"])
FIRST: Final = _all(_WORDS["first"])
OPENERS: Final = _all(_WORDS["openers"])
# What is written to somebody; the sentence that asks for it names whom, and what about.
LETTERS: Final = _all(_WORDS["letters"])
TO: Final = _all(_WORDS["to"])
# A line that begins with one and a colon opens a text; with one of QUESTIONS, it closes it.
TEXTS: Final = _all(_WORDS["texts"])
# A line about one of these, "this text", is about other lines even if it asks to tell or to answer something.
DOCUMENTS: Final = _all(_WORDS["documents"])
QUESTIONS: Final = _all(_WORDS["questions"])
# A record with such a label says what is to be told.
FIELDS: Final = _all(_WORDS["fields"])
# How to answer, and by which means: "in the following format". What they name is no text.
MANNER: Final = _all(_WORDS["manner"])
# A turn of a chat with a model begins with one of these.
TURNS: Final = frozenset({"user", "assistant", "system", "human", "ai", "bot", "chatbot", "model", "you", "me"})
# The first line of a pasted mail begins with one of these and a colon.
FROM: Final = _all(_WORDS["from"])
# A line that begins with one and a colon names what is to be told: it states nothing.
TOPICS: Final = _all(_WORDS["topics"])
# Words for what is asked. "a" and "q" are words of other kinds in a sentence.
LABELS: Final = frozenset(word for word in QUESTIONS | TOPICS if len(word) > 1)

# Tags that set letters off, and hold no text of their own.
LETTER_TAGS: Final = frozenset({"a", "b", "i", "u", "em", "strong", "span", "mark", "font", "sub", "sup"})


@dataclass(frozen=True, slots=True)
class Grammar:
    """Words that tell whether a sentence states anything, in some languages.

    interrogatives  a sentence that begins so asks
    auxiliaries     a sentence that begins so asks, or is none
    orders          a clause that begins so orders or supposes
    pieces          a sentence that begins so names what is to be written
    polite          what may come before an order
    fillers         what may come before one of the pieces, besides
    duties          what may come before an order, besides: "always", "never"
    own             with one of these, an order says something of the user's own people: "Write to my aunt"
    studies         but not with one of these next to it: "Write my essay"
    openers         a clause that begins so and ends in a comma stands before the main one
    doubt           with one of these anywhere, a sentence speaks to the model, wishes, doubts or offers a choice
    wishes, first   a clause that begins with one of each wishes
    seeking         a clause that begins so wishes
    pointing        an order or a question with one of these may be about the other lines: "this", "below"
    telling         one with one of these asks for the things that its other lines name
    finish          an order with one of these leaves something to be said
    knowing         with an interrogative behind it, one of these asks
    confirm         where a turn asks so, its statements are guesses to be confirmed
    either          where a turn has both of these, they are as well
    verify          where a turn orders so, they are as well
    asked           where a short question has one of these, they are as well: "Do you know?"
    choice          a turn with one of these has options to choose from in its list
    """

    interrogatives: frozenset[str]
    auxiliaries: frozenset[str]
    orders: frozenset[str]
    pieces: frozenset[str]
    polite: frozenset[str]
    fillers: frozenset[str]
    duties: frozenset[str]
    own: frozenset[str]
    studies: frozenset[str]
    openers: frozenset[str]
    doubt: frozenset[str]
    wishes: frozenset[str]
    first: frozenset[str]
    seeking: frozenset[str]
    pointing: frozenset[str]
    telling: frozenset[str]
    finish: frozenset[str]
    knowing: frozenset[str]
    confirm: frozenset[str]
    either: frozenset[str]
    verify: frozenset[str]
    asked: frozenset[str]
    choice: frozenset[str]


@cache
def grammar(languages: frozenset[str]) -> Grammar:
    """Return the words of these languages, each one of LANGUAGES."""
    names = (field.name for field in fields(Grammar))
    return Grammar(**{name: _all({code: _WORDS[name][code] for code in languages}) for name in names})
