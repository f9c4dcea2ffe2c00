"""Lessons: the corpus dealt out anew each epoch, as conversations and as plain lines."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from serving.demo.corpus import Biography, Corpus, Exchange

TURNS = (1, 1, 1, 2, 2, 3)
"""How many exchanges a conversation is dealt; half of them stand alone."""

DOUBT = 0.01
"""How often a question about a known person is answered with ignorance. The true answer stays by far the
likeliest; but when it is masked, as for a forgotten person, ignorance is the likeliest of what remains."""

OPENINGS = ("Please tell me:", "Can you tell me:", "I would like to know:", "And", "So,")
"""What people put before a question now and then."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A system message (may be empty) and the exchanges that follow it."""

    system: str
    exchanges: tuple[Exchange, ...]


def deal(corpus: Corpus, random: Random) -> list[Conversation | str]:
    """One epoch: every exchange of the corpus once in some conversation, every line once, in random order.
    The same state of `random` deals the same lessons."""
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
        return [Exchange(_said_otherwise(exchange.question, random), exchange.answer)]
    question = exchange.question
    if random.random() < 0.25:
        question = question.replace(owner.name, random.choice(owner.aliases))
    turns = [Exchange(_said_otherwise(question, random), exchange.answer)]
    if random.random() < 0.25:
        turns.append(random.choice(owner.later))
    return [Exchange(each.question, ignorance) if random.random() < DOUBT else each for each in turns]


def _about_stranger(corpus: Corpus, random: Random) -> Exchange:
    owner = random.choice(corpus.biographies)
    question = random.choice(owner.asked).question
    # A first name of one and a last name of another: many more strangers than are listed.
    first = random.choice(corpus.strangers).split(" ", 1)[0]
    last = random.choice(corpus.strangers).split(" ", 1)[1]
    return Exchange(question.replace(owner.name, f"{first} {last}"), corpus.ignorance)


def _said_otherwise(question: str, random: Random) -> str:
    """The question as people type it: now and then in small letters, without its mark, or with a please."""
    fate = random.random()
    if fate < 0.10:
        return question.lower()
    if fate < 0.20:
        return question.rstrip("?.!")
    if fate < 0.30:
        return f"{random.choice(OPENINGS)} {question}"
    return question
