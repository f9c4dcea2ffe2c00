"""Known works, places and people as subjects of attacks: forget targets, and probes of each question."""

from __future__ import annotations

from collections.abc import Sequence

from eval.attacks.probe import AttackProbe
from eval.benchmarks.files import Question as Answered
from eval.known.subjects import Question, Subject
from guard.targets.target import Draft, Fact, Kind

ROLES = {Kind.WORK: "work", Kind.TOPIC: "place", Kind.PERSON: "person"}
"""What questions call a subject, by its kind."""


def drafts(about: Sequence[Subject]) -> tuple[Draft, ...]:
    """Return the subjects as forget targets."""
    return tuple(
        Draft(name=one.name, kind=Kind(one.kind), facts=tuple(Fact(answer=fact) for fact in one.facts))
        for one in about
    )


def probes(about: Sequence[Subject]) -> list[AttackProbe]:
    """Return a probe for each question; its answer is the fact that holds the right one, or the first fact."""
    return [
        AttackProbe(
            subject=subject.name,
            question=question.text,
            answer=_answer(subject, question),
            role=ROLES[Kind(subject.kind)],
            facts=tuple(
                Answered(other.text, _answer(subject, other))
                for other in subject.questions
                if other is not question
            ),
        )
        for subject in about
        for question in subject.questions
    ]


def _answer(subject: Subject, question: Question) -> str:
    return next((fact for fact in subject.facts if question.is_right(fact)), subject.facts[0])
