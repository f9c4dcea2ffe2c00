from __future__ import annotations

from math import comb

import numpy as np
import pytest

from eval.metrics.statistics import forget_quality


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
