from __future__ import annotations

import pytest
from scipy.stats import binom

from eval.metrics.statistics import clopper_pearson


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
def test_impossible_counts_are_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="hits"):
        clopper_pearson(hits, trials)
