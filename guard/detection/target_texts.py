"""The texts of a target that are embedded: a conversation close to one of them touches the target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from guard.targets.target import Draft, ForgetTarget
from guard.text.conversation import windows

# Names the way a target is cut into texts; change it with that, so that stored vectors are computed again.
CHUNKING_VERSION = "rows-3"
# A shorter answer ("Paris", "an author") says nothing by itself.
MIN_STATEMENT_WORDS = 5
# The words given by someone who asks for a passage to be continued, roughly.
PREFIX_WORDS = 16
MAX_STEP_TEXTS = 64
"""Texts that are embedded at a time, in some 200 ms, before later changes are looked for."""


class TextForm(StrEnum):
    """What a text of a target is made of.

    `fact` is a question with its answer, `statement` an answer that says something by itself, `prefix` the
    beginning of a passage, as given by someone who wants it continued.
    """

    NAME = "name"
    QUESTION = "question"
    FACT = "fact"
    STATEMENT = "statement"
    PREFIX = "prefix"
    PASSAGE = "passage"


class TargetText(NamedTuple):
    """A text that is embedded for a target, cut and folded as conversations are."""

    form: TextForm
    text: str


def target_texts(target: ForgetTarget) -> tuple[TargetText, ...]:
    """Return the distinct texts of `target`; one of more than 64 words is cut into windows, as conversations are.

    Other forms of a question are left out, because those measured find nothing more, as docs/detector.md shows:
    paraphrase, fill-in and choice are close to the question or the fact; a question without the name, or one that
    asks for it, is just as close to questions about others.
    """
    distinct: dict[str, TargetText] = {}
    for form, text in _texts(target.draft):
        for window in windows(text):
            distinct.setdefault(window, TargetText(form, window))
    return tuple(distinct.values())


def vectors_name(embedder: str) -> str:
    """Return the name that the registry keeps targets' vectors by the embedder of this name under."""
    return f"{embedder}/{CHUNKING_VERSION}"


def _texts(draft: Draft) -> Iterator[tuple[TextForm, str]]:
    yield from ((TextForm.NAME, name) for name in (draft.name, *draft.aliases))
    for fact in draft.facts:
        if fact.question:
            yield TextForm.QUESTION, fact.question
            yield TextForm.FACT, f"{fact.question} {fact.answer}"
        if not fact.question or len(fact.answer.split()) >= MIN_STATEMENT_WORDS:
            yield TextForm.STATEMENT, fact.answer
    for passage in draft.passages:
        yield TextForm.PASSAGE, passage
        beginning = passage.split()[:PREFIX_WORDS]
        yield TextForm.PREFIX, " ".join(beginning)


def first_of(targets: Iterable[ForgetTarget]) -> Iterator[ForgetTarget]:
    """Yield the first of `targets`, those whose texts are embedded in one step; at least one."""
    texts = 0
    for target in targets:
        own = len(target_texts(target))
        texts += own
        if texts > MAX_STEP_TEXTS and texts > own:
            return
        yield target
