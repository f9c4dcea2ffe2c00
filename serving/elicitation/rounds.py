"""The rounds of an elicitation: ask by every form, ask the same of invented names, ask about what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from guard.detection.embedder import Embedder
from guard.targets.elicitation import Proposal
from guard.targets.target import Kind
from guard.text.normalise import fold
from serving.elicitation.clusters import clustered
from serving.elicitation.control import (
    is_said_of_any,
    kept,
    name_folds,
    of_any_name,
    phrase_counts,
    without_name,
)
from serving.elicitation.forms import (
    BEGUN_STYLES,
    FIRST_ROUND,
    LANGUAGES,
    SECOND_ROUND,
    Prompt,
    Style,
    controls_of,
    forms_of,
)
from serving.elicitation.proposals import found, proposals
from serving.elicitation.statements import Answer, statements_of

# Requests at a time: an elicitation shares the engine with the clients.
MAX_CONCURRENCY = 8
# Of the progress: how long a round is, is known when the one before has ended.
CONTROL_SHARE, FIRST_SHARE = 0.2, 0.5
# Questions of its own that a model is asked in a round.
MAX_QUESTIONS = 512
# A shorter part of a name is in other words too.
MIN_PART_CHARS = 4


class Sampling(NamedTuple):
    """How a prompt is sampled: `n` answers at `temperature`."""

    n: int
    temperature: float


class Model(Protocol):
    """The served model, unrestricted."""

    async def say(self, prompt: Prompt, sampling: Sampling) -> Sequence[Answer]:
        """Return the answers to a prompt. Raises EngineUnavailable."""
        ...

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Sequence[str]:
        """Return questions that begin as the prompt's does. Raises EngineUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How much is asked: `samples` answers at each of `temperatures` beside the likeliest, in `languages`."""

    samples: int = 2
    temperatures: tuple[float, ...] = (0.7, 1.0)
    languages: tuple[str, ...] = LANGUAGES

    @property
    def samplings(self) -> tuple[Sampling, ...]:
        """The samplings of one prompt."""
        sampled = (Sampling(self.samples, temperature) for temperature in self.temperatures if self.samples)
        return (Sampling(1, 0.0), *sampled)


class Elicited(NamedTuple):
    """How many answers were read of the target, and what is proposed."""

    answers: int
    proposals: tuple[Proposal, ...]


Report = Callable[[float], None]
T = TypeVar("T")


class Controls(dict[tuple[Kind, tuple[str, ...]], list[Answer]]):
    """What a model answered about invented names, by kind and languages: it is asked once for all targets."""


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
    forms = forms_of(kind, FIRST_ROUND, options.languages)
    if (key := (kind, options.languages)) not in controls:
        # By the likeliest answers alone: what any name gets comes every time.
        asked = [form.about(other) for other in controls_of(kind) for form in forms]
        progress = _Progress(report, 0.0, CONTROL_SHARE)
        controls[key] = await _ask(model, asked, options.samplings[:1], progress)
    asked = [form.about(name) for form in forms]
    answers = await _ask(model, asked, options.samplings, _Progress(report, CONTROL_SHARE, FIRST_SHARE))
    control = await asyncio.to_thread(_control, answers, controls[key], kind, name)
    again = [
        form.about(name, thing)
        for thing in control.found
        for form in forms_of(kind, SECOND_ROUND, options.languages)
    ]
    # Each thing by many forms: the likeliest answers will do.
    more = await _ask(
        model, again, options.samplings[:1], _Progress(report, FIRST_SHARE, 1.0), begun=options.samplings
    )
    everything = [*answers, *(answer for answer in more if is_about(answer, name))]
    return Elicited(len(everything), await asyncio.to_thread(_proposed, everything, control, name, embedder))


def is_about(answer: Answer, name: str) -> bool:
    """Return whether an answer tells of the name: one to a question without it must say a part of it."""
    if answer.prompt.form.style is not Style.REVERSE:
        return True
    said = fold(answer.text)
    return any(part in said for part in name_folds(name) if len(part) >= MIN_PART_CHARS)


class _Control(NamedTuple):
    """What invented names get, phrases by their folds and statements without the names, and what was found."""

    common: frozenset[str]
    statements: tuple[str, ...]
    found: list[str]


class _Progress:
    """Reports the share from `start` to `end` as what is expected is done."""

    def __init__(self, report: Report, start: float, end: float) -> None:
        self._report, self._start, self._size = report, start, end - start
        self._expected = self._done = 0
        self._share = start

    def expect(self, steps: int) -> None:
        self._expected += steps

    def advance(self) -> None:
        self._done += 1
        # More may be expected by now than before.
        self._share = max(self._share, self._start + self._size * min(1.0, self._done / self._expected))
        self._report(self._share)


async def _ask(
    model: Model,
    prompts: Sequence[Prompt],
    samplings: Sequence[Sampling],
    progress: _Progress,
    begun: Sequence[Sampling] = (),
) -> list[Answer]:
    """Return the answers to the prompts, and to the questions that the model makes of the begun ones.

    Those are completed by the samplings `begun`, or else by `samplings`, and each is answered once.
    """
    begun = begun or samplings
    parts = [prompt for prompt in prompts if prompt.form.style in BEGUN_STYLES]
    whole = [prompt for prompt in prompts if prompt.form.style not in BEGUN_STYLES]
    guessed = len(parts) * sum(sampling.n for sampling in begun) // 2
    progress.expect(len(parts) * len(begun) + guessed + len(whole) * len(samplings))
    completed = await _each(model.complete, parts, begun, progress)
    questions = {
        question: prompt.form
        for prompt, texts in completed
        for question in texts
        if len(question) > len(prompt.question)
    }
    own = [Prompt(form, question) for question, form in questions.items()][:MAX_QUESTIONS]
    progress.expect(len(own) - guessed)
    answered = await _each(model.say, whole, samplings, progress)
    answered += await _each(model.say, own, samplings[:1], progress)
    return [answer for _, answers in answered for answer in answers]


async def _each(
    ask: Callable[[Prompt, Sampling], Awaitable[Sequence[T]]],
    prompts: Sequence[Prompt],
    samplings: Sequence[Sampling],
    progress: _Progress,
) -> list[tuple[Prompt, Sequence[T]]]:
    limit = asyncio.Semaphore(MAX_CONCURRENCY)

    async def one(prompt: Prompt, sampling: Sampling) -> tuple[Prompt, Sequence[T]]:
        async with limit:
            given = await ask(prompt, sampling)
        progress.advance()
        return prompt, given

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(prompt, sampling)) for prompt in prompts for sampling in samplings]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _control(answers: Sequence[Answer], controls: Sequence[Answer], kind: Kind, name: str) -> _Control:
    said, of_others = statements_of(answers), statements_of(controls)
    common = of_any_name(phrase_counts(said), len(answers), phrase_counts(of_others), len(controls))
    texts = [statement.text for statement in of_others]
    for other in controls_of(kind):
        texts = [without_name(text, other) for text in texts]
    return _Control(common, tuple(dict.fromkeys(texts)), found(answers, said, common, name))


def _proposed(answers: Sequence[Answer], control: _Control, name: str, embedder: Embedder) -> tuple[Proposal, ...]:
    statements = statements_of(answers)
    bare = embedder.embed([without_name(statement.text, name) for statement in statements])
    generic = is_said_of_any(bare, embedder.embed(control.statements))
    telling = kept(statements, control.common, generic, name)
    vectors = embedder.embed([statement.text for statement in telling])
    return proposals(answers, clustered(telling, vectors), control.common, name)
