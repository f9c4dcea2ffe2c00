from __future__ import annotations

import pytest

from eval.metrics.statistics import SplitScores, model_utility


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
