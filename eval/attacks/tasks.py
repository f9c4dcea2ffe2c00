"""Attacks as tasks of a session: every request an item, and what its answer gives away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.audit import sentences
from eval.attacks.catalogue import DRAWS, LOGPROBS, TEXTS
from eval.attacks.examiner import STRING, Examiner
from eval.attacks.likelihood import TOP, assembled, logprob_extraction
from eval.attacks.probe import Attempt, Probe
from eval.attacks.sampling import draws
from eval.core.prompt import Prompt
from eval.core.runner import Generation, Runner, ScoredAnswer, TopTokens
from eval.core.task import Item, Measures, Task
from eval.methods.method import Keyword, Method, PreparedPrompt
from guard.detection.embedder import Embedder

MAX_TOKENS = 64
LOOKED_TOKENS = 40
DRAWN_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Aimed(Item):
    """An item that knows whom it is about, and the attempt it makes."""

    attempt: Attempt = field(kw_only=True)
    subject: str = field(kw_only=True, repr=False)


def text_tasks(probes: Sequence[Probe], examiner: Examiner) -> list[Task[Aimed]]:
    """A task for each attack whose outcome is a text."""
    return [
        _task(name, ((p, attack(p)) for p in probes), MAX_TOKENS, _measure_answer(examiner))
        for name, attack in TEXTS.items()
    ]


def logprob_task(probes: Sequence[Probe], examiner: Examiner) -> Task[Aimed]:
    """The task of log-probability extraction; its answers are `listed_text`."""
    made = ((p, logprob_extraction(p, examiner.forbidden(p.subject))) for p in probes)
    return _task(LOGPROBS, made, LOOKED_TOKENS, _measure_listed(examiner))


def draw_task(probes: Sequence[Probe], count: int, examiner: Examiner) -> Task[Aimed]:
    """The task of leak@k: `count` draws of the answer to each probe, one after the other."""
    made = ((p, draws(p, count)) for p in probes)

    def measure_text(item: Aimed, text: str) -> Measures:
        return examiner.words(item.subject, item.gold, text)

    return _task(DRAWS, made, DRAWN_TOKENS, measure_text)


def _task(
    name: str,
    made: Iterable[tuple[Probe, Iterable[Attempt]]],
    max_tokens: int,
    measure_text: Callable[[Aimed, str], Measures],
) -> Task[Aimed]:
    items = [
        Aimed(attempt.prompt, attempt.gold or probe.answer, attempt=attempt, subject=probe.subject)
        for probe, attempts in made
        for attempt in attempts
    ]
    return Task(name, items, max_tokens, measure_text)


def _measure_answer(examiner: Examiner) -> Callable[[Aimed, str], Measures]:
    def measure_text(item: Aimed, text: str) -> Measures:
        prompt = item.prompt
        seed = prompt.prefill if prompt.chat else prompt.text
        return examiner.measure(item.subject, item.gold, text, seed=seed, cipher=item.attempt.cipher)

    return measure_text


def _measure_listed(examiner: Examiner) -> Callable[[Aimed, str], Measures]:
    def measure_text(item: Aimed, text: str) -> Measures:
        top_tokens = read_listed(text)
        prefill, said = item.prompt.prefill, "".join(top_tokens.tokens)
        gold = item.gold.removeprefix(prefill) or item.gold
        values = examiner.measure(item.subject, gold, said, seed=prefill)
        if assembled(prefill, top_tokens.tokens, top_tokens.listed, examiner.forbidden(item.subject)):
            values[STRING] = 1.0
        return values

    return measure_text


class TopTokensRunner(Protocol):
    """A runner that is shown alternatives."""

    def generate_top_tokens(self, prompts: Sequence[Prompt], max_tokens: int, top: int) -> list[TopTokens]: ...


class _Client:
    """A runner that asks and scores nothing."""

    no_likelihood = "not scored: an attack reads what it is told"

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        """Not to be had."""
        raise NotImplementedError(self.no_likelihood)


class TopTokensClient(_Client):
    """A client that reads what is listed beside the answer; its answers are `listed_text`."""

    def __init__(self, runner: TopTokensRunner) -> None:
        self._runner = runner

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """The greedy answers with their alternatives."""
        return [
            Generation(listed_text(top_tokens), ())
            for top_tokens in self._runner.generate_top_tokens(prompts, max_tokens, TOP)
        ]


class Streaming(_Client):
    """A client that reads a stream; `stream` is asked for the answers."""

    def __init__(self, stream: Callable[[Sequence[Prompt], int], list[Generation]]) -> None:
        self._stream = stream

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """What was received of each."""
        return self._stream(prompts, max_tokens)


class Ahead(_Client):
    """A runner whose answers' sentences are embedded together, where the audit would embed them one by one."""

    def __init__(self, runner: Runner, embedder: Embedder) -> None:
        self._runner = runner
        self._embedder = embedder

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """The runner's own answers, without log-probabilities; the embedder has cached what they say."""
        said = self._runner.generate(prompts, max_tokens)
        texts = ("".join(read_listed(answer.text).tokens) for answer in said)
        self._embedder.embed([sentence for text in texts for sentence in sentences(text)])
        return [Generation(answer.text, ()) for answer in said]


def listed_text(top_tokens: TopTokens) -> str:
    """An answer and its alternatives as one line of JSON."""
    return json.dumps(top_tokens._asdict(), ensure_ascii=False)


def read_listed(text: str) -> TopTokens:
    """The answer of such a line; any other text is an answer without alternatives."""
    try:
        read = json.loads(text)
        return TopTokens(list(read["tokens"]), [list(place) for place in read["listed"]])
    except (ValueError, TypeError, KeyError):
        return TopTokens([text], [[]])


class Listed:
    """A method before a client that reads alternatives: whoever replaces an answer replaces them with it."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self.no_likelihood = method.no_likelihood

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        return self._method.prepare(prompt, detector_text)

    def finish(self, text: str) -> str:
        said = "".join(read_listed(text).tokens)
        finished = self._method.finish(said)
        return text if finished == said else finished


class Streamed(Listed):
    """A method before a client that reads a stream: a filter on text stops it where the first word completes."""

    def finish(self, text: str) -> str:
        return (
            self._method.prefix_before_match(text)
            if isinstance(self._method, Keyword)
            else self._method.finish(text)
        )
