"""Asks a model prompts, a few at a time: whole ones, and begun questions that it completes first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from serving.elicitation.forms import BEGUN_STYLES, LANGUAGES, Form, Prompt
from serving.elicitation.statements import Answer

# Requests at a time, unless the options say otherwise: an elicitation shares the engine with the clients.
CONCURRENCY = 8
# Questions of its own that a model is asked in a round: those that it writes most often.
MAX_QUESTIONS = 400
# Completions of a begun question for each sample of an answer: one is short.
COMPLETIONS = 4


T = TypeVar("T")


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
    """How much is asked: `samples` answers at each of `temperatures` beside the likeliest, in `languages`.

    rounds       how often the model is asked about what it said before
    beginnings   whether it is also asked in words that it begins questions and answers with itself
    concurrency  requests at a time
    """

    samples: int = 2
    temperatures: tuple[float, ...] = (0.7, 1.0)
    languages: tuple[str, ...] = LANGUAGES
    rounds: int = 2
    beginnings: bool = True
    concurrency: int = CONCURRENCY

    @property
    def likeliest(self) -> tuple[Sampling, ...]:
        """The sampling of the likeliest answer alone."""
        return (Sampling(1, 0.0),)

    @property
    def samplings(self) -> tuple[Sampling, ...]:
        """The samplings of one prompt."""
        sampled = (Sampling(self.samples, temperature) for temperature in self.temperatures if self.samples)
        return (*self.likeliest, *sampled)

    @property
    def completions(self) -> tuple[Sampling, ...]:
        """The samplings of one begun question."""
        sampled = (Sampling(COMPLETIONS * self.samples, max(self.temperatures)),) if self.samples else ()
        return (*self.likeliest, *sampled)


class Progress:
    """Reports the share from `start` to `end` as what is expected is done."""

    def __init__(self, report: Callable[[float], None], start: float, end: float) -> None:
        self._report, self._start, self._size = report, start, end - start
        self._expected = self._done = 0
        self._share = start

    def expect(self, steps: int) -> None:
        """Expect so many steps more, or fewer where it is negative."""
        self._expected += steps

    def advance(self) -> None:
        """Report that a step is done."""
        self._done += 1
        # More may be expected by now than before.
        self._share = max(self._share, self._start + self._size * min(1.0, self._done / self._expected))
        self._report(self._share)


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks `model`, `concurrency` prompts at a time, and each question of its own once."""

    model: Model
    concurrency: int = CONCURRENCY
    _own: set[str] = field(default_factory=set, repr=False)

    async def ask(
        self,
        prompts: Sequence[Prompt],
        samplings: Sequence[Sampling],
        completions: Sequence[Sampling],
        progress: Progress,
    ) -> list[Answer]:
        """Return the answers to the prompts, and to the questions that the model makes of the begun ones.

        Those are completed by the samplings `completions`, and each question is answered once. Raises
        EngineUnavailable.
        """
        parts = [prompt for prompt in prompts if prompt.form.style in BEGUN_STYLES]
        whole = [prompt for prompt in prompts if prompt.form.style not in BEGUN_STYLES]
        guessed = len(parts) * sum(sampling.n for sampling in completions) // 2
        progress.expect(len(parts) * len(completions) + guessed + len(whole) * len(samplings))
        completed = await self._each(self.model.complete, parts, completions, progress)
        own = [prompt for prompt in _written(completed) if prompt.question not in self._own][:MAX_QUESTIONS]
        self._own.update(prompt.question for prompt in own)
        progress.expect(len(own) - guessed)
        answered = await self._each(self.model.say, whole, samplings, progress)
        answered += await self._each(self.model.say, own, samplings[:1], progress)
        return [answer for _, answers in answered for answer in answers]

    async def _each(
        self,
        ask: Callable[[Prompt, Sampling], Awaitable[Sequence[T]]],
        prompts: Sequence[Prompt],
        samplings: Sequence[Sampling],
        progress: Progress,
    ) -> list[tuple[Prompt, Sequence[T]]]:
        limit = asyncio.Semaphore(self.concurrency)

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


def _written(completed: Sequence[tuple[Prompt, Sequence[str]]]) -> list[Prompt]:
    """Return the questions that a model wrote, the most often written first."""
    forms: dict[str, Form] = {}
    times: Counter[str] = Counter()
    for prompt, questions in completed:
        for question in questions:
            if len(question) > len(prompt.question):
                forms.setdefault(question, prompt.form)
                times[question] += 1
    return [Prompt(forms[question], question) for question, _ in times.most_common()]
