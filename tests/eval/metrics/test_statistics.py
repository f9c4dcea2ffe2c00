from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from eval.metrics.statistics import (
    SplitScores,
    clopper_pearson,
    forget_quality,
    leak_at_k,
    model_utility,
    target_mean,
)


@pytest.mark.parametrize(
    ("count", "floor"), [(400, 1.06e-239), (300, 1.48e-179), (200, 1.94e-119), (40, 1.86e-23), (3, 0.1)]
)
def test_complete_separation_reaches_the_floor_of_its_sample_count(count: int, floor: float) -> None:
    result = forget_quality(np.arange(count), np.arange(count) + 1000)
    assert result.statistic == 1.0
    assert result.p_value == pytest.approx(floor, rel=5e-3)
    # Only two of the C(2n, n) orders are as far apart.
    assert result.p_value == pytest.approx(2 / comb(2 * count, count), rel=1e-9)


def test_equal_samples_cannot_be_told_apart() -> None:
    assert forget_quality([0.1, 0.4, 2.0], [0.1, 0.4, 2.0]) == (0.0, 1.0)


def test_the_p_value_is_exact() -> None:
    # n = m = 2, interleaved: the largest distance is 1/2, which 6 of 6 orders reach.
    assert forget_quality([1.0, 3.0], [2.0, 4.0]) == (0.5, 1.0)
    # n = m = 4, distance 3/4: 16 of the 70 orders (two-sided reflection count) are at least as far.
    assert forget_quality([1, 2, 3, 8], [4, 5, 6, 7]).p_value == pytest.approx(16 / 70, rel=1e-12)


def test_the_direction_of_the_ratio_does_not_matter() -> None:
    rng = np.random.default_rng(7)
    model, retain = rng.lognormal(0.0, 1.0, 60), rng.lognormal(0.7, 1.0, 60)
    assert forget_quality(model, retain).p_value == forget_quality(1 / model, 1 / retain).p_value


def test_no_hit_in_a_hundred_leaves_up_to_three_and_a_half_percent() -> None:
    # 1 - 0.025 ** (1 / 100), in closed form where there is no hit.
    assert clopper_pearson(0, 100) == (0.0, pytest.approx(1 - 0.025 ** (1 / 100), rel=1e-9))
    assert clopper_pearson(100, 100) == (pytest.approx(0.025 ** (1 / 100), rel=1e-9), 1.0)


@pytest.mark.parametrize(("hits", "trials"), [(1, 10), (7, 20), (96, 100)])
def test_both_ends_leave_half_the_doubt_outside(hits: int, trials: int) -> None:
    low, high = clopper_pearson(hits, trials, 0.9)
    assert binom.sf(hits - 1, trials, low) == pytest.approx(0.05)
    assert binom.cdf(hits, trials, high) == pytest.approx(0.05)


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_of_an_interval_are_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="hits"):
        clopper_pearson(hits, trials)


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
def test_impossible_counts_of_leaks_are_refused(samples: int, leaks: int, k: int) -> None:
    with pytest.raises(ValueError, match="between"):
        leak_at_k(samples, leaks, k)


def test_targets_weigh_alike_whatever_their_probes() -> None:
    assert target_mean(["a", "a", "a", "b"], [1.0, 1.0, 1.0, 0.0]) == 0.5


def test_no_scores_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no scores"):
        target_mean([], [])


def test_harmonic_mean_of_nine() -> None:
    half = SplitScores(0.5, 0.5, 0.5)
    quarter = SplitScores(0.25, 0.25, 0.25)
    assert model_utility(half, half, quarter) == pytest.approx(9 / (6 * 2 + 3 * 4), rel=1e-12)


def test_one_zero_is_no_utility() -> None:
    one = SplitScores(1.0, 1.0, 1.0)
    assert model_utility(SplitScores(1.0, 0.0, 1.0), one, one) == 0.0


def test_the_leaderboards_llama_2_full_model() -> None:
    retain, authors = SplitScores(0.990, 0.986, 0.475), SplitScores(0.455, 0.933, 0.596)
    assert model_utility(retain, authors, SplitScores(0.419, 0.882, 0.539)) == pytest.approx(0.6227, abs=5e-5)
