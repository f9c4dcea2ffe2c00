"""GUARD's beam search: finds answers of high total log-probability, penalties included.

The search does no scoring of its own. It is a generator: it yields which beams to extend by which token, and is
sent the likeliest next tokens of each. So it works with any scorer, a synchronous loop or an awaited engine.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from math import inf
from typing import NamedTuple, Protocol

# Beams, as GUARD has them; twice as many next tokens of each are looked at (arXiv 2505.13312 and its code).
BEAM_WIDTH = 7


class Extension(NamedTuple):
    """The beams of a step, each a beam of the step before plus one token.

    parents  indices into the beams of the step before; 0 is the prompt in the first step
    tokens   the token each adds; empty in the first extension, which asks what may follow the prompt
    """

    parents: tuple[int, ...]
    tokens: tuple[int, ...]


class NextTokens(NamedTuple):
    """The next tokens of a beam, likeliest first: ids, and their log-probabilities after masks and penalties."""

    tokens: Sequence[int]
    log_probs: Sequence[float]


class BeamAnswer(NamedTuple):
    """Ids without the end token, their total log-probability, and whether an end token followed."""

    tokens: tuple[int, ...]
    score: float
    ended: bool


class BeamScorer(Protocol):
    """Scores the next tokens of beams; it is called with every extension in turn."""

    def next_tokens(self, extension: Extension) -> Sequence[NextTokens]:
        """Return the next tokens of each beam of `extension`; forbidden ones are left out or -inf."""
        ...


Search = Generator[Extension, Sequence[NextTokens], tuple[BeamAnswer, ...]]


class _Beam(NamedTuple):
    tokens: tuple[int, ...]
    score: float


class _Candidate(NamedTuple):
    score: float
    parent: int
    token: int


def candidates_per_beam(width: int) -> int:
    """Return how many next tokens of each beam a search of this width looks at."""
    return 2 * width


def search(ends: frozenset[int], max_tokens: int, width: int = BEAM_WIDTH, count: int = 1) -> Search:
    """Find the `count` best answers of at most `max_tokens` tokens; `ends` are the ids that end one.

    Scores are sums without length normalisation, as GUARD's: they can only fall, so the search stops as soon as
    no beam can still beat the answers found. Width 1 is greedy decoding. Fewer answers, or none, are returned
    where everything else is forbidden.
    """
    beams = [_Beam((), 0.0)]
    found: list[BeamAnswer] = []
    next_tokens = yield Extension((), ())
    for length in range(1, max_tokens + 1):
        candidates = _best_candidates(beams, next_tokens, width)
        ending = [one for one in candidates[:width] if one.token in ends]
        found += (BeamAnswer(beams[one.parent].tokens, one.score, ended=True) for one in ending)
        found = _best_answers(found, count)
        kept = [one for one in candidates if one.token not in ends][:width]
        beams = [_Beam((*beams[one.parent].tokens, one.token), one.score) for one in kept]
        if not beams or (len(found) == count and beams[0].score <= found[-1].score):
            return tuple(found)
        if length < max_tokens:
            next_tokens = yield Extension(tuple(one.parent for one in kept), tuple(one.token for one in kept))
    return tuple(
        _best_answers([*found, *(BeamAnswer(beam.tokens, beam.score, ended=False) for beam in beams)], count)
    )


def run(search: Search, scorer: BeamScorer) -> tuple[BeamAnswer, ...]:
    """Run a search to its end with this scorer and return its answers, best first."""
    try:
        extension = next(search)
        while True:
            extension = search.send(scorer.next_tokens(extension))
    except StopIteration as stop:
        answers: tuple[BeamAnswer, ...] = stop.value
        return answers


def _best_candidates(beams: Sequence[_Beam], next_tokens: Sequence[NextTokens], width: int) -> list[_Candidate]:
    candidates = [
        _Candidate(beam.score + log_prob, parent, token)
        for parent, (beam, next_) in enumerate(zip(beams, next_tokens, strict=True))
        for token, log_prob in zip(next_.tokens[: candidates_per_beam(width)], next_.log_probs, strict=False)
        if log_prob > -inf
    ]
    # The sort is stable: among equals the better parent's likelier token comes first.
    return sorted(candidates, key=lambda one: -one.score)


def _best_answers(answers: Sequence[BeamAnswer], count: int) -> list[BeamAnswer]:
    return sorted(answers, key=lambda answer: -answer.score)[:count]
