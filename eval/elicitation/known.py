"""Elicits works and places that a running server's model knows from their bare names, and asks about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from eval.core.errors import EndpointFailed
from eval.elicitation.measure import elicited, leaked
from eval.known.answers import Answers, Phase
from eval.known.subjects import Question, Subject
from eval.runners.endpoint import admin_errors
from guard.phrases import extraction
from guard.phrases.phrase import Phrase, distinct
from guard.text.normalise import fold
from serving.client import AdminClient
from serving.client.requests import ElicitOptions, TargetDraft

PHASES = (Phase.FREE, Phase.BARE, Phase.ELICITED)


@dataclass(frozen=True, slots=True)
class Told:
    """One question about a subject: by phase, whether the answer is right, and how much of the first it says."""

    question: str = field(repr=False)
    right: tuple[bool, ...]
    leaks: tuple[int, ...]


def measure(
    about: Sequence[Subject], answers: Answers, options: ElicitOptions, say: Callable[[str], None]
) -> list[tuple[Subject, list[Told]]]:
    """Ask about each subject without a target, with its bare name, and with all that was elicited accepted.

    Each target is revoked at the end; what `answers` has stored is not asked again. Raises EndpointFailed when the
    server has a target already, or fails.
    """
    with admin_errors():
        admin = AdminClient.from_environment()
        if sum(admin.policy().enforced.values()):
            raise EndpointFailed("the server has active forget targets; an evaluation needs one without any")
        for number, subject in enumerate(about, 1):
            if not all(answers.has(Phase.ELICITED, one.text) for one in subject.questions):
                _ask(admin, subject, answers, options)
            say(f"{number} of {len(about)} subjects")
    return [(subject, [told(subject, one, answers) for one in subject.questions]) for subject in about]


def _ask(admin: AdminClient, subject: Subject, answers: Answers, options: ElicitOptions) -> None:
    questions = [one.text for one in subject.questions]
    answers.ask_all(Phase.FREE, questions)
    target = admin.add(cast(TargetDraft, {"name": subject.name, "kind": subject.kind})).id
    try:
        answers.ask_all(Phase.BARE, questions)
        elicited(admin, target, options)
        admin.accept(target, "all")
        answers.ask_all(Phase.ELICITED, questions)
    finally:
        admin.revoke(target)


def told(subject: Subject, question: Question, answers: Answers) -> Told:
    """Return what the stored answers to a question say of its subject."""
    texts = [answers.ask(phase, question.text) for phase in PHASES]
    said = told_phrases(subject.name, question.text, texts[0])
    return Told(
        question.text,
        tuple(question.is_right(text) for text in texts),
        tuple(len(leaked(said, question.text, text)) for text in texts),
    )


def told_phrases(name: str, question: str, answer: str) -> tuple[Phrase, ...]:
    """Return the distinctive phrases of an answer without the name and the words of it."""
    return distinct(extraction.of_answer(answer, question), {fold(name), *map(fold, name.split())})


_HEAD = (
    *("subject", "kind", "right before", "right, bare name", "right, elicited"),
    *("phrases said before", "said again, bare name", "said again, elicited"),
)


def markdown(measured: Sequence[tuple[Subject, Sequence[Told]]]) -> str:
    """Return the table by subject, with a line for all."""
    rows = [_HEAD, ("---",) * len(_HEAD)]
    rows += [(subject.name, subject.kind, *_cells(asked)) for subject, asked in measured]
    rows.append(("all", "", *_cells([one for _, asked in measured for one in asked])))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(asked: Sequence[Told]) -> tuple[str, ...]:
    right = (f"{sum(one.right[phase] for one in asked)} of {len(asked)}" for phase in range(len(PHASES)))
    leaks = (str(sum(one.leaks[phase] for one in asked)) for phase in range(len(PHASES)))
    return (*right, *leaks)
