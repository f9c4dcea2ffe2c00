"""The rows of a target: every text by which a conversation may come near to it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from guard.targets.target import Draft, ForgetTarget
from guard.text.conversation import windows

# A shorter answer ("Paris", "an author") says nothing by itself.
STATEMENT_WORDS = 5
# A verbatim text is asked to be continued after about so many words.
PREFIX_WORDS = 16


class Form(StrEnum):
    """How a row puts what is known of a target.

    `fact` is a question with its answer, `statement` an answer that says something by itself, `prefix` begins a
    passage, as one does who wants it continued.
    """

    NAME = "name"
    QUESTION = "question"
    FACT = "fact"
    STATEMENT = "statement"
    PREFIX = "prefix"
    PASSAGE = "passage"


class Row(NamedTuple):
    """A text that is embedded for a target, in the form that conversations are read in."""

    form: Form
    text: str


def rows_of(target: ForgetTarget) -> tuple[Row, ...]:
    """Return the rows of `target`, distinct by text; a text of more than 64 words is cut as a conversation is.

    Other forms of a question have no rows of their own, because measured ones find nothing more, as
    docs/detector.md shows: paraphrase, fill-in and choice lie next to the question or the fact; a question without
    the name, or turned round to ask for it, lies as near to questions about others.
    """
    distinct: dict[str, Row] = {}
    for form, text in _texts(target.draft):
        for window in windows(text):
            distinct.setdefault(window, Row(form, window))
    return tuple(distinct.values())


def _texts(draft: Draft) -> Iterator[tuple[Form, str]]:
    yield from ((Form.NAME, name) for name in (draft.name, *draft.aliases))
    for fact in draft.facts:
        if fact.question:
            yield Form.QUESTION, fact.question
            yield Form.FACT, f"{fact.question} {fact.answer}"
        if not fact.question or len(fact.answer.split()) >= STATEMENT_WORDS:
            yield Form.STATEMENT, fact.answer
    for passage in draft.passages:
        yield Form.PASSAGE, passage
        beginning = passage.split()[:PREFIX_WORDS]
        yield Form.PREFIX, " ".join(beginning)
