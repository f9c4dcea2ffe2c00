"""Asks a running server what it knows, forgets what it answered rightly, and asks again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean

from eval.core.errors import EndpointFailed
from eval.core.prompt import Prompt
from eval.known.answers import Answers, Phase
from eval.known.subjects import NEIGHBOURS, Subject
from eval.metrics.broken_names import broken_names
from eval.metrics.near_leak import long_phrases, near_leak
from eval.runners.endpoint import admin_errors
from eval.runners.scorer import Scorer
from guard.matching.automaton import Automaton
from serving.client import AdminClient

MIN_RIGHT = 2
"""Right answers about a subject from which on the model knows it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question, with the answer before and after its subject was forgotten; perplexities are the model's own.

    leaks   whether the answer after holds a forbidden phrase of the subject
    near    whether it holds most of a long one
    broken  how many words of the answers before and after are names of the subject broken off
    """

    question: str = field(repr=False)
    free: str = field(repr=False)
    guarded: str = field(repr=False)
    was_right: bool
    still_right: bool
    leaks: bool
    near: bool
    broken: tuple[int, int]
    free_perplexity: float
    guarded_perplexity: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The outcomes by subject, and the answers to the neighbours' questions before and after."""

    subjects: tuple[tuple[Subject, tuple[Outcome, ...]], ...]
    neighbours: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def unchanged(self) -> int:
        """How many of the neighbours' answers stayed as they were."""
        return sum(free == guarded for free, guarded in self.neighbours)


def known(about: Sequence[Subject], answers: Answers, count: int) -> list[Subject]:
    """Return the first `count` subjects that the model knows: asked without any target, it is right."""
    answers.ask_all(Phase.FREE, [one.text for subject in about for one in subject.questions])
    found = []
    for subject in about:
        right = [one.is_right(answers.ask(Phase.FREE, one.text)) for one in subject.questions]
        if sum(right) >= min(MIN_RIGHT, len(right)):
            found.append(subject)
        if len(found) == count:
            break
    return found


def measure(about: Sequence[Subject], answers: Answers, scorer: Scorer, say: Callable[[str], None]) -> Measured:
    """Ask about each subject with all of them forgotten at once; the targets are revoked at the end.

    What `answers` has stored is not asked again. Raises EndpointFailed when the server has a target already or
    does not answer.
    """
    free = [answers.ask(Phase.FREE, text) for text in NEIGHBOURS]
    with admin_errors():
        admin = AdminClient.from_environment()
        if sum(admin.policy().enforced.values()):
            raise EndpointFailed("the server has active forget targets; an evaluation needs one without any")
        ids = admin.add_many([subject.draft for subject in about]).ids
        try:
            forbidden = [admin.get(id, reveal=True).forbidden for id in ids]
            say("asking again")
            answers.ask_all(Phase.GUARDED, [one.text for subject in about for one in subject.questions])
            guarded = [answers.ask(Phase.GUARDED, text) for text in NEIGHBOURS]
        finally:
            for id in ids:
                admin.revoke(id)
    rows = []
    for subject, phrases in zip(about, forbidden, strict=True):
        say("scoring the answers")
        rows.append((subject, tuple(_outcomes(subject, phrases, answers, scorer))))
    return Measured(tuple(rows), tuple(zip(free, guarded, strict=True)))


def _outcomes(subject: Subject, phrases: Sequence[str], answers: Answers, scorer: Scorer) -> list[Outcome]:
    automaton, near = Automaton.forbidding(phrases), long_phrases(phrases)
    found = []
    for one in subject.questions:
        free, guarded = answers.ask(Phase.FREE, one.text), answers.ask(Phase.GUARDED, one.text)
        scores = [
            answers.score(one.text, text, partial(_perplexity, scorer, one.text, text)) for text in (free, guarded)
        ]
        found.append(
            Outcome(
                *(one.text, free, guarded, one.is_right(free), one.is_right(guarded)),
                bool(list(automaton.matches(guarded))),
                near_leak(guarded, near),
                (len(broken_names(free, phrases)), len(broken_names(guarded, phrases))),
                *scores,
            )
        )
    return found


def _perplexity(scorer: Scorer, question: str, answer: str) -> float:
    if not answer:
        return math.nan
    return math.exp(-fmean(scorer.score(Prompt(question, chat=True), answer, end=False).log_probs.tolist()))


HEAD = (
    *("subject", "kind", "right before", "right after", "forbidden phrases said", "near leaks"),
    *("broken names before", "broken names after", "perplexity before", "perplexity after"),
)


def markdown(measured: Measured) -> str:
    """Return the table by subject, with a line for all and one on the neighbours."""
    rows = [HEAD, ("---",) * len(HEAD)]
    everything: list[Outcome] = []
    for subject, outcomes in measured.subjects:
        everything += outcomes
        rows.append((subject.name, subject.kind, *_cells(outcomes)))
    rows.append(("all", "", *_cells(everything)))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    total = len(measured.neighbours)
    lines += ["", f"Answers to {total} questions about neighbours that stayed as they were: {measured.unchanged}."]
    return "\n".join(lines)


def _cells(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    total = len(outcomes)
    counts = (
        sum(one.was_right for one in outcomes),
        sum(one.still_right for one in outcomes),
        sum(one.leaks for one in outcomes),
        sum(one.near for one in outcomes),
    )
    return (
        *(f"{count} of {total}" for count in counts),
        *(str(sum(one.broken[side] for one in outcomes)) for side in (0, 1)),
        _mean([one.free_perplexity for one in outcomes]),
        _mean([one.guarded_perplexity for one in outcomes]),
    )


def _mean(perplexities: Sequence[float]) -> str:
    """Return the geometric mean of perplexities."""
    finite = [math.log(one) for one in perplexities if math.isfinite(one)]
    return f"{math.exp(fmean(finite)):.2f}" if finite else "-"
