from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.decoding.beam import BeamAnswer, Extension, NextTokens, run, search

END = 0
MOST = 4


class Table:
    """A scorer by a table of the probabilities that follow each sequence; keeps what it was asked."""

    def __init__(self, following: dict[tuple[int, ...], dict[int, float]]) -> None:
        self._following = following
        self.beams: list[tuple[int, ...]] = []
        self.asked: list[list[tuple[int, ...]]] = []

    def next_tokens(self, extension: Extension) -> Sequence[NextTokens]:
        pairs = zip(extension.parents, extension.tokens, strict=True)
        self.beams = [(*self.beams[parent], token) for parent, token in pairs] or [()]
        self.asked.append(self.beams)
        return [self._after(beam) for beam in self.beams]

    def _after(self, beam: tuple[int, ...]) -> NextTokens:
        listed = sorted(self._following.get(beam, {}).items(), key=lambda item: -item[1])
        logs = [math.log(p) if p else -math.inf for _, p in listed]
        return NextTokens([token for token, _ in listed], logs)


def best(table: dict[tuple[int, ...], dict[int, float]], width: int, count: int = 1) -> tuple[BeamAnswer, ...]:
    return run(search(frozenset({END}), MOST, width, count), Table(table))


GARDEN = {
    (): {1: 0.6, 2: 0.4},
    (1,): {END: 0.3, 3: 0.35, 4: 0.35},
    (2,): {END: 0.9, 3: 0.1},
    (1, 3): {END: 1.0},
    (1, 4): {END: 1.0},
}


def test_width_one_is_greedy_decoding() -> None:
    answer = best(GARDEN, 1)[0]
    assert (answer.tokens, answer.ended) == ((1, 3), True)
    assert answer.score == pytest.approx(math.log(0.6 * 0.35))


def test_a_wider_beam_finds_the_likelier_answer() -> None:
    answer = best(GARDEN, 2)[0]
    assert answer.tokens == (2,)
    assert answer.score == pytest.approx(math.log(0.4 * 0.9))


def test_a_forbidden_token_is_never_taken() -> None:
    forbidden = GARDEN | {(): {2: 0.0, 1: 1.0}}
    assert best(forbidden, 7)[0].tokens[0] == 1


def test_a_penalty_in_the_middle_turns_the_search_away_from_the_beginning() -> None:
    table = {(): {1: 0.7, 2: 0.3}, (1,): {3: 0.1}, (1, 3): {END: 1.0}, (2,): {END: 1.0}}
    assert best(table, 7)[0].tokens == (2,)


def test_nothing_is_answered_where_everything_is_forbidden() -> None:
    assert best({(): {1: 0.0}}, 7) == ()
    assert best({(): {1: 1.0}, (1,): {END: 0.0, 2: 0.0}}, 7) == ()


def test_several_answers_come_best_first_and_differ() -> None:
    answers = best(GARDEN, 7, count=3)
    assert [answer.tokens for answer in answers] == [(2,), (1, 3), (1, 4)]
    assert [answer.score for answer in answers] == sorted((a.score for a in answers), reverse=True)


def test_an_answer_that_does_not_end_is_cut_at_the_limit() -> None:
    endless = {(1,) * length: {1: 0.9, END: 0.01} for length in range(MOST)}
    answer = best(endless, 7)[0]
    assert (answer.tokens, answer.ended) == ((1,) * MOST, False)


def test_the_search_stops_as_soon_as_no_beam_can_win() -> None:
    scorer = Table({(): {END: 0.9, 1: 0.1}, (1,): {2: 1.0}})
    assert run(search(frozenset({END}), MOST), scorer)[0].tokens == ()
    assert scorer.asked == [[()]]


probabilities = st.floats(0.0, 1.0).filter(lambda p: p == 0.0 or p > 1e-6)
TOKENS = 3


@st.composite
def tables(draw: st.DrawFn) -> dict[tuple[int, ...], dict[int, float]]:
    beams = [beam for n in range(MOST) for beam in itertools.product(range(1, TOKENS), repeat=n)]
    return {beam: {token: draw(probabilities) for token in range(TOKENS)} for beam in beams}


@given(tables())
def test_a_beam_wide_enough_finds_the_best_of_all_answers(table: dict[tuple[int, ...], dict[int, float]]) -> None:
    def score(tokens: tuple[int, ...]) -> float:
        return math.prod(table[tokens[:place]][token] for place, token in enumerate(tokens))

    whole = [(*beam, END) for n in range(MOST) for beam in itertools.product(range(1, TOKENS), repeat=n)] + list(
        itertools.product(range(1, TOKENS), repeat=MOST)
    )
    answers = best(table, 64)
    highest = max(map(score, whole))
    found = math.exp(answers[0].score) if answers else 0.0
    assert found == pytest.approx(highest, rel=1e-9)
