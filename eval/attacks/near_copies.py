"""Near copies without a model: right answers and changed copies of them, through the output guard's matchers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eval.attacks.leak_scorer import long_phrases_of
from eval.metrics.near_leak import near_leak
from guard.matching.automaton import Automaton
from guard.matching.near import NearScanner, TextScanner
from guard.matching.scanner import Scanner
from guard.policy.exemptions import exemptions
from guard.registry.drafts import new_target
from guard.targets.near import near_texts
from guard.targets.passages import enforced
from guard.targets.target import Draft

MAX_CHANGED_WORDS = 4
_OTHER_WORDS = ("golden", "quiet", "harbour", "very", "famous", "other", "new", "of", "the")


class NearCopies(NamedTuple):
    """How many texts there are, and how many tell most of a long phrase: as they are, after the automata, and once
    near copies are withheld too."""

    texts: int
    as_they_are: int
    after_automata: int
    after_near: int


def near_copies(drafts: Sequence[Draft], count: int, seed: int = 0) -> NearCopies:
    """Return what is left of near leaks in `count` texts or some more: every right answer of the drafts' facts,
    and copies of each with words replaced, added and left out. Texts are streamed in two pieces."""
    rng = random.Random(seed)
    facts = sum(len(draft.facts) for draft in drafts)
    each = max(1, -(-count // max(1, facts)))
    sums = [0, 0, 0, 0]
    for draft in drafts:
        target, long = new_target(draft), long_phrases_of(draft)
        automaton, near = Automaton.forbidding(enforced(target), exemptions(target)), near_texts(target)
        for text in (text for fact in draft.facts for text in _copies(fact.answer, each, rng)):
            cut = rng.randint(0, len(text))
            plain = _released(Scanner([automaton]), text, cut)
            guarded = _released(NearScanner(Scanner([automaton]), [near]), text, cut)
            told = (True, *(near_leak(said, long) for said in (text, plain, guarded)))
            sums = [total + one for total, one in zip(sums, told, strict=True)]
    return NearCopies(*sums)


def _released(scanner: TextScanner, text: str, cut: int) -> str:
    return scanner.feed(text[:cut]) + scanner.feed(text[cut:]) + scanner.finish()


def _copies(answer: str, count: int, rng: random.Random) -> Iterator[str]:
    yield answer
    for _ in range(count - 1):
        words = answer.split()
        for _ in range(rng.randint(1, MAX_CHANGED_WORDS)):
            at, other = rng.randrange(len(words)), [rng.choice(_OTHER_WORDS)]
            # Replaced, added before, or left out, which leaves a word at least.
            removed, put = rng.choice(((1, other), (0, other), (1, [])))
            words[at : at + removed] = put
            words = words or other
        yield " ".join(words)
