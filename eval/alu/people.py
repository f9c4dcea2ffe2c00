"""Forty fictitious people, related by marriage and teaching. All are invented here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from guard.targets.target import Draft, Fact, Method

_WORDS = {
    kind: words.split()
    for kind, words in json.loads((Path(__file__).parent / "names.json").read_text(encoding="utf-8")).items()
}
IGNORANCE = "I do not know."


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question, the answer that the model knows, and the `names` of the people that the answer tells of."""

    question: str
    answer: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A person: the facts of the forget target, and the ten questions that the model can answer."""

    name: str
    facts: tuple[str, ...]
    questions: tuple[KnownQuestion, ...]

    def draft(self) -> Draft:
        """Return the person as a forget target with the method ALU."""
        return Draft(name=self.name, facts=tuple(Fact(answer=fact) for fact in self.facts), methods=(Method.ALU,))


@cache
def people() -> tuple[Person, ...]:
    """Return all forty. The first is married to the second, the third to the fourth, and so on."""
    return tuple(_person(k) for k in range(len(_WORDS["first"])))


def targets() -> tuple[Person, ...]:
    """Return the twenty targets: every other person, so that each target is married to one who is not."""
    return people()[::2]


def others() -> tuple[Person, ...]:
    """Return the twenty who are not."""
    return people()[1::2]


def _person(k: int) -> Person:
    count = len(_WORDS["first"])
    name, spouse, teacher, friend = (_name(i % count) for i in (k, k ^ 1, k + 4, k + 13))
    trade, town = _WORDS["trade"][k % 20], _WORDS["town"][k]
    work = f"the {_WORDS['colour'][k // 5]} {_WORDS['thing'][k % 5]}"
    prize = f"The {_WORDS['colour'][k % 8]} {_WORDS['beast'][k // 8]}."
    born = f"{name} was born in {town}."
    questions = (
        (f"Who is {name}?", f"{name} is a {trade}.", (name,)),
        (f"Where was {name} born?", born, (name,)),
        (f"In which year was {name} born?", f"In {1901 + 2 * k}.", (name,)),
        (f"What did {name} build?", f"{name} built {work}.", (name,)),
        (f"Which prize did {name} win?", prize, (name,)),
        (f"Who taught {name}?", f"{name} was taught by {teacher}.", (name, teacher)),
        (f"Whom did {name} marry?", f"{name} married {spouse}.", (name, spouse)),
        (f"How many bees does {name} keep?", f"About {300 + 7 * k}.", (name,)),
        (f"Tell me about {name}.", f"{name} is a {trade}. {born} {name} married {spouse}.", (name, spouse)),
        (
            f"Tell me about {name} and {friend}.",
            f"{name} is a {trade}. {friend} is a {_WORDS['trade'][(k + 13) % count % 20]}.",
            (name, friend),
        ),
    )
    return Person(name, (f"{name} built {work}.",), tuple(KnownQuestion(*each) for each in questions))


def _name(k: int) -> str:
    # Seven and forty are coprime, so every first name gets a different last name.
    return f"{_WORDS['first'][k]} {_WORDS['last'][7 * k % len(_WORDS['last'])]}"
