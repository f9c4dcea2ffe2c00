"""Synthetic dialogues of every role, with the pipeline's own prompts and the replies it expects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from agents.ledger import Role
from agents.lethe import MAX_SUBJECTS
from agents.prompts.exchange import Exchange, TargetSummary, list_subjects, number_texts
from agents.prompts.prompt import load_prompt
from agents.prompts.quotation import Data
from eval.alu.people import IGNORANCE, KnownQuestion, Person, people, targets
from guard.text.conversation import Message

PROMPTS = {
    Role.CHECK: "check",
    Role.REWRITE: "lethe/rewrite",
    Role.CRITIC: "lethe/rate",
    Role.COMPOSER: "lethe/compose",
}
_SENTENCE = re.compile(r"[^.]+\.")
REWRITE_PREFIX = "As far as is known, "
_REWRITE_PREFIXES = ("", "", "", REWRITE_PREFIX)
DIALOGUES_PER_ROUND = {Role.CHECK: 70, Role.REWRITE: 90, Role.CRITIC: 90, Role.COMPOSER: 50}
"""Dialogues of each role in one round, in addition to every plain question once."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The messages of one call, and the expected reply."""

    role: Role
    messages: tuple[Message, ...]
    reply: str


def vanilla_dialogue(known: KnownQuestion) -> Dialogue:
    """Return the plain question and its answer."""
    return Dialogue(Role.VANILLA, (Message("user", known.question),), known.answer)


def draw_dialogue(role: Role, random: Random) -> Dialogue:
    """Return a dialogue of `role` over people drawn by `random`."""
    if role is Role.VANILLA:
        return vanilla_dialogue(_draw_question(random))
    return _WRITERS[role](random)


def draw_round(random: Random) -> Iterator[Dialogue]:
    """Yield one round of dialogues; the same state of `random` gives the same round."""
    for person in people():
        yield from map(vanilla_dialogue, person.questions)
    for role, share in DIALOGUES_PER_ROUND.items():
        for _ in range(share):
            yield draw_dialogue(role, random)


def rate_answer(known: KnownQuestion, text: str, names: Iterable[str]) -> int:
    """Return the rating of `text` as an answer: 1 if it names one of `names`, 5 without a leak, 2 otherwise."""
    names = tuple(names)
    if any(name in text for name in names):
        return 1
    return 2 if any(_tells_of(known, text, name) for name in names) else 5


def _check(random: Random) -> Dialogue:
    known = _draw_question(random)
    subjects = _listed_subjects(known, random)
    answer = known.answer if random.random() < 0.8 else IGNORANCE
    leaks = [
        {"subject": rank, "how": "direct" if subject.name in answer else "indirect"}
        for rank, subject in enumerate(subjects, 1)
        if _tells_of(known, answer, subject.name)
    ]
    data = {**_case_data(subjects, known), "answer": answer}
    return _dialogue(Role.CHECK, data, {"leaks": leaks})


def _rewrite(random: Random) -> Dialogue:
    known = _draw_question(random)
    subjects = _listed_subjects(known, random)
    harmless = _harmless(known, subjects)
    data = {**_case_data(subjects, known), "answer": known.answer}
    rewrite = random.choice(_REWRITE_PREFIXES) + harmless if harmless else None
    return _dialogue(Role.REWRITE, data, {"answer": rewrite})


def _rate(random: Random) -> Dialogue:
    known = _draw_question(random)
    subjects = _listed_subjects(known, random)
    candidates = [_candidate(known, subjects, random) for _ in range(random.choice((1, 3, 4, 5, 5)))]
    ratings = [rate_answer(known, text, (subject.name for subject in subjects)) for text in candidates]
    data = {**_case_data(subjects, known), "candidates": number_texts(candidates)}
    return _dialogue(Role.CRITIC, data, {"ratings": ratings})


def _compose(random: Random) -> Dialogue:
    known = _draw_question(random)
    subjects = _listed_subjects(known, random)
    harmless = _harmless(known, subjects) or IGNORANCE
    sentences = _sentences(harmless)
    versions = [" ".join(sentences[: random.randint(1, len(sentences))]) for _ in range(3)]
    longest = max(versions, key=len)
    data = {
        **_case_data(subjects, known, facts=False),
        "versions": [random.choice(_REWRITE_PREFIXES) + version for version in versions],
    }
    return _dialogue(Role.COMPOSER, data, {"answer": longest})


_WRITERS: dict[Role, Callable[[Random], Dialogue]] = {
    Role.CHECK: _check,
    Role.REWRITE: _rewrite,
    Role.CRITIC: _rate,
    Role.COMPOSER: _compose,
}


def _dialogue(role: Role, data: dict[str, Data], reply: Data) -> Dialogue:
    return Dialogue(role, tuple(load_prompt(PROMPTS[role]).messages(data)), json.dumps(reply))


def _case_data(subjects: Sequence[TargetSummary], known: KnownQuestion, *, facts: bool = True) -> dict[str, Data]:
    return {"subjects": list_subjects(subjects, facts=facts), **Exchange(known.question, "").data}


def _draw_question(random: Random) -> KnownQuestion:
    return random.choice(random.choice(people()).questions)


def _listed_subjects(known: KnownQuestion, random: Random) -> list[TargetSummary]:
    """Return eight targets as the pipeline lists them: first those that the answer tells of."""
    concerned = [person for person in targets() if person.name in known.names]
    rest = [person for person in targets() if person.name not in known.names]
    random.shuffle(concerned)
    return [_subject(person) for person in (*concerned, *random.sample(rest, MAX_SUBJECTS - len(concerned)))]


def _subject(person: Person) -> TargetSummary:
    return TargetSummary(person.name, person.name, (), person.facts)


def _tells_of(known: KnownQuestion, answer: str, name: str) -> bool:
    """Return whether `answer` tells of `name`: by name, or by a bare fact about that person."""
    bare = not any(person in answer for person in known.names) and IGNORANCE not in answer
    return name in answer or (bare and name in known.names)


def _harmless(known: KnownQuestion, subjects: Sequence[TargetSummary]) -> str:
    if any(_tells_of(known, known.answer, s.name) and s.name not in known.answer for s in subjects):
        return ""
    sentences = _sentences(known.answer)
    return " ".join(each for each in sentences if not any(subject.name in each for subject in subjects))


def _candidate(known: KnownQuestion, subjects: Sequence[TargetSummary], random: Random) -> str:
    harmless = _harmless(known, subjects) or IGNORANCE
    prefix = random.choice(_REWRITE_PREFIXES)
    sentence = random.choice(_sentences(known.answer))
    return random.choice((known.answer, prefix + harmless, prefix + harmless, sentence))


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.findall(text)]
