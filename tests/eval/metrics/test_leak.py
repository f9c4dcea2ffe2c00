from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.statistics import leak_at_k


def test_one_leak_of_two_hundred_at_one() -> None:
    assert leak_at_k(200, 1, 1) == 1 / 200


def test_every_draw_leaks_where_too_few_are_clean() -> None:
    assert leak_at_k(10, 8, 3) == 1.0
    assert leak_at_k(10, 0, 10) == 0.0


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_it_is_the_share_of_all_draws_that_hold_a_leak(case: tuple[int, int, int]) -> None:
    samples, leaks, k = case
    draws = list(combinations(range(samples), k))
    leaking = sum(any(index < leaks for index in draw) for draw in draws)
    assert leak_at_k(samples, leaks, k) == leaking / len(draws)


@pytest.mark.parametrize(("samples", "leaks", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4)])
def test_impossible_counts_are_refused(samples: int, leaks: int, k: int) -> None:
    with pytest.raises(ValueError, match="between"):
        leak_at_k(samples, leaks, k)
