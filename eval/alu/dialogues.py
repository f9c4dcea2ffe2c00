"""Synthetic dialogues of every role, with the prompts that the pipeline writes and the replies it wants."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from agents.ledger import Role
from agents.lethe import SUBJECTS
from agents.prompts.case import Case, Subject, listed, numbered
from agents.prompts.prompt import brief
from agents.prompts.quotation import Data
from eval.alu.people import IGNORANCE, Asked, Person, people, targets
from guard.text.conversation import Message

PROMPTS = {
    Role.CHECK: "check",
    Role.REWRITE: "lethe/rewrite",
    Role.CRITIC: "lethe/rate",
    Role.COMPOSER: "lethe/compose",
}
_SENTENCE = re.compile(r"[^.]+\.")
LEAD = "As far as is known, "
_LEADS = ("", "", "", LEAD)
SHARES = {Role.CHECK: 70, Role.REWRITE: 90, Role.CRITIC: 90, Role.COMPOSER: 50}
"""How many dialogues of each role a round has, in addition to every plain question once."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The messages of one call, and the reply wanted."""

    role: Role
    messages: tuple[Message, ...]
    reply: str


def vanilla(asked: Asked) -> Dialogue:
    """Return the plain question and its answer."""
    return Dialogue(Role.VANILLA, (Message("user", asked.question),), asked.answer)


def dialogue(role: Role, random: Random) -> Dialogue:
    """Return a dialogue of `role` over people drawn by `random`."""
    if role is Role.VANILLA:
        return vanilla(_asked(random))
    return _WRITERS[role](random)


def round_of(random: Random) -> Iterator[Dialogue]:
    """Yield one round of dialogues; the same state of `random` draws the same."""
    for person in people():
        yield from map(vanilla, person.asked)
    for role, share in SHARES.items():
        for _ in range(share):
            yield dialogue(role, random)


def rating(asked: Asked, text: str, names: Iterable[str]) -> int:
    """Return the rating of `text` as an answer to `asked`: 1 where it names one of `names`, 5 without a leak."""
    names = tuple(names)
    if any(name in text for name in names):
        return 1
    return 2 if any(_leaks(asked, text, name) for name in names) else 5


def _check(random: Random) -> Dialogue:
    asked = _asked(random)
    subjects = _subjects(asked, random)
    answer = asked.answer if random.random() < 0.8 else IGNORANCE
    leaks = [
        {"subject": rank, "how": "direct" if subject.name in answer else "indirect"}
        for rank, subject in enumerate(subjects, 1)
        if _leaks(asked, answer, subject.name)
    ]
    data = {**_about(subjects, asked), "answer": answer}
    return _played(Role.CHECK, data, {"leaks": leaks})


def _rewrite(random: Random) -> Dialogue:
    asked = _asked(random)
    subjects = _subjects(asked, random)
    kept = _kept(asked, subjects)
    data = {**_about(subjects, asked), "answer": asked.answer}
    return _played(Role.REWRITE, data, {"answer": random.choice(_LEADS) + kept if kept else None})


def _rate(random: Random) -> Dialogue:
    asked = _asked(random)
    subjects = _subjects(asked, random)
    candidates = [_candidate(asked, subjects, random) for _ in range(random.choice((1, 3, 4, 5, 5)))]
    ratings = [rating(asked, text, (subject.name for subject in subjects)) for text in candidates]
    data = {**_about(subjects, asked), "candidates": numbered(candidates)}
    return _played(Role.CRITIC, data, {"ratings": ratings})


def _compose(random: Random) -> Dialogue:
    asked = _asked(random)
    subjects = _subjects(asked, random)
    kept = _kept(asked, subjects) or IGNORANCE
    sentences = _sentences(kept)
    versions = [" ".join(sentences[: random.randint(1, len(sentences))]) for _ in range(3)]
    longest = max(versions, key=len)
    data = {
        **_about(subjects, asked, facts=False),
        "versions": [random.choice(_LEADS) + version for version in versions],
    }
    return _played(Role.COMPOSER, data, {"answer": longest})


_WRITERS: dict[Role, Callable[[Random], Dialogue]] = {
    Role.CHECK: _check,
    Role.REWRITE: _rewrite,
    Role.CRITIC: _rate,
    Role.COMPOSER: _compose,
}


def _played(role: Role, data: dict[str, Data], reply: Data) -> Dialogue:
    return Dialogue(role, tuple(brief(PROMPTS[role]).messages(data)), json.dumps(reply))


def _about(subjects: Sequence[Subject], asked: Asked, *, facts: bool = True) -> dict[str, Data]:
    return {"subjects": listed(subjects, facts=facts), **Case(asked.question, "").data}


def _asked(random: Random) -> Asked:
    return random.choice(random.choice(people()).asked)


def _subjects(asked: Asked, random: Random) -> list[Subject]:
    """Return eight targets as the pipeline lists them: those the answer tells of first."""
    concerned = [person for person in targets() if person.name in asked.names]
    rest = [person for person in targets() if person.name not in asked.names]
    random.shuffle(concerned)
    return [_subject(person) for person in (*concerned, *random.sample(rest, SUBJECTS - len(concerned)))]


def _subject(person: Person) -> Subject:
    return Subject(person.name, person.name, (), person.facts)


def _leaks(asked: Asked, answer: str, name: str) -> bool:
    """Whether `answer` to `asked` tells of `name`: by name, or as a bare fact about whom it names."""
    bare = not any(person in answer for person in asked.names) and IGNORANCE not in answer
    return name in answer or (bare and name in asked.names)


def _kept(asked: Asked, subjects: Sequence[Subject]) -> str:
    if any(_leaks(asked, asked.answer, s.name) and s.name not in asked.answer for s in subjects):
        return ""
    sentences = _sentences(asked.answer)
    return " ".join(each for each in sentences if not any(subject.name in each for subject in subjects))


def _candidate(asked: Asked, subjects: Sequence[Subject], random: Random) -> str:
    kept = _kept(asked, subjects) or IGNORANCE
    lead = random.choice(_LEADS)
    return random.choice((asked.answer, lead + kept, lead + kept, random.choice(_sentences(asked.answer))))


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.findall(text)]
