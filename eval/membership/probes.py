"""Names on the list and off it, and the questions that an outsider asks about each."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
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
    """Whom a name belongs to: a forget target, an author who is served, or nobody."""

    TARGET = "target"
    SERVED = "served"
    INVENTED = "invented"


class Probe(NamedTuple):
    """One question about one name."""

    group: Group
    name: str
    question: str


def probes(targets: Sequence[str], served: Sequence[str], invented: int, seed: int = 0) -> list[Probe]:
    """Return every form of question about every name, in an order that tells nothing: latencies drift."""
    asked = list(_of_names(targets, served, invented_names(invented, seed)))
    random.Random(seed).shuffle(asked)
    return asked


def _of_names(*names: Sequence[str]) -> Iterator[Probe]:
    for group, own in zip(Group, names, strict=True):
        for name in own:
            yield from (Probe(group, name, form.format(name=name)) for form in FORMS)
