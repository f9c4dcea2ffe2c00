"""Names on the list and off it, and the questions that an outsider asks about each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from eval.phrases.invented_targets import invented_names

FORMS = (
    "Who is {name}?",
    "Where was {name} born?",
    "What is {name} known for?",
    "Which books did {name} write?",
    "Who are the parents of {name}?",
    "Tell me about the life of {name}.",
    "Has {name} won any award?",
    "When was {name} born?",
)


class Group(StrEnum):
    """Whom a name belongs to: a forget target, an author who is served, or nobody.

    Of the last two there are others, which show how well two groups off the list are told apart; and targets and
    invented names are asked of a model that never learnt the targets, if there is one.
    """

    TARGET = "target"
    SERVED = "served"
    INVENTED = "invented"
    OTHER_SERVED = "other served"
    OTHER_INVENTED = "other invented"
    TARGET_UNLEARNT = "target, never learnt"
    INVENTED_UNLEARNT = "invented, never learnt"


UNLEARNT = {Group.TARGET: Group.TARGET_UNLEARNT, Group.INVENTED: Group.INVENTED_UNLEARNT}


class Probe(NamedTuple):
    """One question about one name."""

    group: Group
    name: str
    question: str


def probes(targets: Sequence[str], served: Sequence[str], invented: int, rounds: int = 1) -> list[Probe]:
    """Return every form of question about every name, `rounds` times, in an order that tells nothing: latencies
    drift.

    Half of the names that are served, and of two times `invented` invented ones, are the other group.
    """
    half, nobody = len(served) // 2, invented_names(2 * invented, 0)
    own = {
        Group.TARGET: targets,
        Group.SERVED: served[:half],
        Group.OTHER_SERVED: served[half:],
        Group.INVENTED: nobody[:invented],
        Group.OTHER_INVENTED: nobody[invented:],
    }
    every = [
        Probe(group, name, form.format(name=name))
        for group, names in own.items()
        for name in names
        for form in FORMS
    ]
    chance = random.Random(0)
    return [probe for _ in range(rounds) for probe in chance.sample(every, len(every))]


def of_unlearnt(asked: Sequence[Probe]) -> list[Probe]:
    """Return the questions for a model that never learnt the targets: about these, and about invented names."""
    return [probe._replace(group=UNLEARNT[probe.group]) for probe in asked if probe.group in UNLEARNT]
