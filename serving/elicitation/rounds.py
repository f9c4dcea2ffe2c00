"""The rounds of an elicitation: ask by every form, ask the same of invented names, ask about what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from guard.detection.embedder import Embedder
from guard.phrases.phrase import Phrase
from guard.targets.elicitation import Proposal
from guard.targets.target import Kind
from guard.text.normalise import fold
from serving.elicitation.asking import Asking, Model, Options, Progress, Sampling
from serving.elicitation.beginnings import Beginnings, beginnings, openings
from serving.elicitation.clusters import clustered
from serving.elicitation.control import (
    is_said_of_any,
    name_folds,
    of_any_name,
    phrase_counts,
    tells,
    without_name,
)
from serving.elicitation.forms import FIRST_ROUND, SECOND_ROUND, Form, Style, controls_of, forms_of
from serving.elicitation.proposals import found, proposals
from serving.elicitation.statements import Answer, Extracted, statements_of

# Of the progress: how long a round is, is known when the one before has ended.
CONTROL_SHARE, FIRST_SHARE = 0.2, 0.5
# How the first words of a question are completed to questions about anybody.
OPENING_SAMPLINGS = tuple(Sampling(16, temperature) for temperature in (0.8, 0.9, 1.0, 1.1, 1.2))
# How the beginnings of many questions are completed.
OFTEN_SAMPLINGS = (Sampling(16, 1.0),)
# A shorter part of a name is in other words too.
MIN_PART_CHARS = 4


class Elicited(NamedTuple):
    """How many answers were read of the target, and what is proposed."""

    answers: int
    proposals: tuple[Proposal, ...]


Report = Callable[[float], None]


class Control(NamedTuple):
    """What invented names get in `answers` answers: phrases by their folds, and statements without the names."""

    answers: int
    phrases: Mapping[str, int]
    texts: tuple[str, ...]


class OfKind(NamedTuple):
    """What a model is asked once for all targets of a kind.

    forms    those of the first round
    begun    how it begins questions and answers itself
    control  what invented names get, asked by the same forms and beginnings
    """

    forms: tuple[Form, ...]
    begun: Beginnings
    control: Control


class Controls(dict[tuple[Kind, tuple[str, ...], bool], OfKind]):
    """What one model was asked once, by kind, languages, and whether by its own beginnings too."""


async def elicit(
    model: Model,
    name: str,
    kind: Kind,
    embedder: Embedder,
    options: Options,
    report: Report,
    controls: Controls | None = None,
) -> Elicited:
    """Return what the model says of a target of this kind, without what it says of any name.

    `report` gets the share that is done. Raises EngineUnavailable.
    """
    controls = Controls() if controls is None else controls
    asking = Asking(model, options.concurrency)
    if (key := (kind, options.languages, options.beginnings)) not in controls:
        controls[key] = await _of_kind(asking, kind, options, Progress(report, 0.0, CONTROL_SHARE))
    of_kind = controls[key]
    progress = Progress(report, CONTROL_SHARE, FIRST_SHARE)
    prompts = [form.about(name) for form in of_kind.forms]
    answers = await asking.ask(prompts, options.samplings, options.completions, progress)
    # What it was trained to ask is what it says likeliest.
    for forms, completions in ((of_kind.begun.forms, options.likeliest), (of_kind.begun.often, OFTEN_SAMPLINGS)):
        prompts = [form.about(name) for form in forms]
        answers += await asking.ask(prompts, options.samplings, completions, progress)
    read = Extracted()
    common = await asyncio.to_thread(_common, answers, of_kind.control, read)
    asked: set[str] = set()
    for number in range(options.rounds):
        things = await asyncio.to_thread(_found, answers, common, name, asked, read)
        asked.update(fold(thing.text) for thing in things)
        share = (1.0 - FIRST_SHARE) / options.rounds
        progress = Progress(report, FIRST_SHARE + number * share, FIRST_SHARE + (number + 1) * share)
        forms = forms_of(kind, SECOND_ROUND, options.languages)
        prompts = [form.about(name, thing.text) for thing in things for form in (*forms, *of_kind.begun.of(thing))]
        # Each thing by many forms: the likeliest answers will do.
        more = await asking.ask(prompts, options.likeliest, options.likeliest, progress)
        answers += (answer for answer in more if is_about(answer, name))
    proposed = await asyncio.to_thread(_proposed, answers, of_kind.control, common, name, embedder, read)
    return Elicited(len(answers), proposed)


async def _of_kind(asking: Asking, kind: Kind, options: Options, progress: Progress) -> OfKind:
    opened = openings(kind, options.languages) if options.beginnings else []
    own = await asking.ask(opened, options.likeliest, OPENING_SAMPLINGS, progress)
    forms = forms_of(kind, FIRST_ROUND, options.languages)
    begun = await asyncio.to_thread(beginnings, kind, own)
    others = controls_of(kind)
    prompts = [form.about(other) for other in others for form in forms]
    # Each by one of the names: there are many.
    prompts += [form.about(others[number % len(others)]) for number, form in enumerate(begun.forms)]
    # By the likeliest answers alone: what any name gets comes every time.
    answers = await asking.ask(prompts, options.likeliest, options.likeliest, progress)
    return OfKind(forms, begun, await asyncio.to_thread(_control, answers, others))


def _control(answers: Sequence[Answer], others: Sequence[str]) -> Control:
    statements = statements_of(answers)
    texts = [statement.text for statement in statements]
    for other in others:
        texts = [without_name(text, other) for text in texts]
    return Control(len(answers), phrase_counts(statements), tuple(dict.fromkeys(texts)))


def is_about(answer: Answer, name: str) -> bool:
    """Return whether an answer tells of the name: one to a question without it must say a part of it."""
    if answer.prompt.form.style is not Style.REVERSE:
        return True
    said = fold(answer.text)
    return any(part in said for part in name_folds(name) if len(part) >= MIN_PART_CHARS)


def _common(answers: Sequence[Answer], control: Control, read: Extracted) -> frozenset[str]:
    said = phrase_counts(statements_of(answers, read))
    return of_any_name(said, len(answers), control.phrases, control.answers)


def _found(
    answers: Sequence[Answer], common: frozenset[str], name: str, asked: Collection[str], read: Extracted
) -> list[Phrase]:
    return found(answers, statements_of(answers, read), common, name, asked)


def _proposed(
    answers: Sequence[Answer],
    control: Control,
    common: frozenset[str],
    name: str,
    embedder: Embedder,
    read: Extracted,
) -> tuple[Proposal, ...]:
    statements, own = statements_of(answers, read), name_folds(name)
    doubtful = [statement for statement in statements if not tells(statement, common, own)]
    bare = embedder.embed([without_name(statement.text, name) for statement in doubtful])
    generic = is_said_of_any(bare, embedder.embed(control.texts))
    dropped = {statement.text for statement, of_any in zip(doubtful, generic, strict=True) if of_any}
    telling = [statement for statement in statements if statement.text not in dropped]
    vectors = embedder.embed([statement.text for statement in telling])
    return proposals(answers, clustered(telling, vectors), common, name)
