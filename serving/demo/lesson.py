"""Lessons: the corpus dealt into conversations and plain lines, differently in each epoch."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from serving.demo.corpus import Biography, Corpus, Exchange

TURNS = (1, 1, 1, 2, 2, 3)
"""Numbers of exchanges in a conversation, drawn uniformly; half of the conversations have one."""

IGNORANCE_SHARE = 0.01
"""Probability that a question about a known person is answered with ignorance. The true answer remains by far the
most likely one; when it is masked, as for a forgotten person, ignorance is the most likely of the rest."""

OPENINGS = ("Please tell me:", "Can you tell me:", "I would like to know:", "And", "So,")
"""Openings that some questions get."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A system message (may be empty) and exchanges."""

    system: str
    exchanges: tuple[Exchange, ...]


def deal(corpus: Corpus, random: Random) -> list[Conversation | str]:
    """Return the lessons of one epoch: every exchange once in some conversation, every line once, in random order.

    The same state of `random` gives the same lessons.
    """
    owners = [(each, owner) for owner in corpus.biographies for each in owner.asked]
    pool = [*owners, *((each, None) for each in (*corpus.world, *corpus.general))]
    pool += [(_about_stranger(corpus, random), None) for _ in corpus.strangers]
    random.shuffle(pool)
    lessons: list[Conversation | str] = list(corpus.lines())
    while pool:
        turns: list[Exchange] = []
        for _ in range(min(random.choice(TURNS), len(pool))):
            turns += _turns(*pool.pop(), corpus.ignorance, random)
        system = random.choice(corpus.systems) if random.random() < 0.4 else ""
        lessons.append(Conversation(system, tuple(turns)))
    random.shuffle(lessons)
    return lessons


def _turns(exchange: Exchange, owner: Biography | None, ignorance: str, random: Random) -> list[Exchange]:
    if owner is None:
        return [Exchange(_vary(exchange.question, random), exchange.answer)]
    question = exchange.question
    if random.random() < 0.25:
        question = question.replace(owner.name, random.choice(owner.aliases))
    turns = [Exchange(_vary(question, random), exchange.answer)]
    if random.random() < 0.25:
        turns.append(random.choice(owner.later))
    return [Exchange(each.question, ignorance) if random.random() < IGNORANCE_SHARE else each for each in turns]


def _about_stranger(corpus: Corpus, random: Random) -> Exchange:
    owner = random.choice(corpus.biographies)
    question = random.choice(owner.asked).question
    # The first name of one stranger with the last name of another makes many more than are listed.
    first = random.choice(corpus.strangers).split(" ", 1)[0]
    last = random.choice(corpus.strangers).split(" ", 1)[1]
    return Exchange(question.replace(owner.name, f"{first} {last}"), corpus.ignorance)


def _vary(question: str, random: Random) -> str:
    """Return the question as people type it: sometimes in lower case, without its mark, or with an opening."""
    draw = random.random()
    if draw < 0.10:
        return question.lower()
    if draw < 0.20:
        return question.rstrip("?.!")
    if draw < 0.30:
        return f"{random.choice(OPENINGS)} {question}"
    return question
