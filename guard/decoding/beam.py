"""GUARD's beam search: the answer of the highest total log-probability, penalties included, that it finds.

The search does no scoring of its own. It is a conversation: it says which beams to extend by which token, and is
told what may follow each. So it serves whoever can score, in a loop or awaiting an engine.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from math import inf
from typing import NamedTuple, Protocol

# GUARD's width; each beam offers twice as many continuations (arXiv 2505.13312, and its re-implementation).
WIDTH = 7


class Extension(NamedTuple):
    """Beams, each one of those before it and a token more.

    parents  places among the beams of the extension before; 0 is the prompt in the first
    tokens   what each adds; none at all in the first extension, which asks what may follow the prompt
    """

    parents: tuple[int, ...]
    tokens: tuple[int, ...]


class Following(NamedTuple):
    """What may come next, the likeliest first: ids, and their log-probabilities after every mask and penalty."""

    tokens: Sequence[int]
    log_probs: Sequence[float]


class Answer(NamedTuple):
    """A sequence of ids without its end, its total log-probability, and whether it ended of itself."""

    tokens: tuple[int, ...]
    score: float
    ended: bool


class Scorer(Protocol):
    """Says what may follow; it is told of every extension in turn."""

    def follow(self, extension: Extension) -> Sequence[Following]:
        """Return what may follow each beam of `extension`; what is forbidden is left out or -inf."""
        ...


Search = Generator[Extension, Sequence[Following], tuple[Answer, ...]]


class _Beam(NamedTuple):
    tokens: tuple[int, ...]
    score: float


class _Step(NamedTuple):
    score: float
    parent: int
    token: int


def candidates(width: int) -> int:
    """How many continuations of each beam a search of this width looks at."""
    return 2 * width


def search(ends: frozenset[int], most: int, width: int = WIDTH, wanted: int = 1) -> Search:
    """Find the `wanted` best answers of at most `most` tokens; `ends` are the ids that end one.

    Scores are sums, without regard to length, as GUARD's: they can only fall, and so the search stops as soon as
    no beam can still beat what it has found. Width 1 is greedy decoding. Fewer answers, or none, are returned
    where everything else is forbidden.
    """
    beams = [_Beam((), 0.0)]
    found: list[Answer] = []
    following = yield Extension((), ())
    for length in range(1, most + 1):
        steps = _best(beams, following, width)
        ending = [step for step in steps[:width] if step.token in ends]
        found += (Answer(beams[step.parent].tokens, step.score, ended=True) for step in ending)
        found = _first(found, wanted)
        going = [step for step in steps if step.token not in ends][:width]
        beams = [_Beam((*beams[step.parent].tokens, step.token), step.score) for step in going]
        if not beams or (len(found) == wanted and beams[0].score <= found[-1].score):
            return tuple(found)
        if length < most:
            following = yield Extension(tuple(step.parent for step in going), tuple(step.token for step in going))
    return tuple(_first([*found, *(Answer(beam.tokens, beam.score, ended=False) for beam in beams)], wanted))


def run(search: Search, scorer: Scorer) -> tuple[Answer, ...]:
    """Lead a search to its end with this scorer."""
    try:
        extension = next(search)
        while True:
            extension = search.send(scorer.follow(extension))
    except StopIteration as stop:
        answers: tuple[Answer, ...] = stop.value
        return answers


def _best(beams: Sequence[_Beam], following: Sequence[Following], width: int) -> list[_Step]:
    steps = [
        _Step(beam.score + log_prob, parent, token)
        for parent, (beam, next_) in enumerate(zip(beams, following, strict=True))
        for token, log_prob in zip(next_.tokens[: candidates(width)], next_.log_probs, strict=False)
        if log_prob > -inf
    ]
    # Stable: among equals the better parent's likelier token goes first.
    return sorted(steps, key=lambda step: -step.score)


def _first(answers: Sequence[Answer], wanted: int) -> list[Answer]:
    return sorted(answers, key=lambda answer: -answer.score)[:wanted]
