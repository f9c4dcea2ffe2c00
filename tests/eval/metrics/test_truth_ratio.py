from __future__ import annotations

from math import exp

import numpy as np
import pytest

from eval.metrics.truth_ratio import (
    Convention,
    closer_to_one,
    inverse_truth_ratio,
    knowledge,
    true_better,
    true_better_inverse,
    truth_ratio,
)

PERTURBED = [3.21596, 3.33682, 3.99647, 3.95654, 3.48768]


def test_the_worked_example_of_open_unlearning() -> None:
    assert truth_ratio([2.12367], [PERTURBED])[0] == pytest.approx(0.228772, abs=2e-6)


def test_losses_are_averaged_before_the_exponential() -> None:
    ratio = truth_ratio([0.0], [[1.0, 3.0]])[0]
    assert ratio == pytest.approx(exp(-2.0) / (1 + 1e-10), rel=1e-12)
    assert ratio != pytest.approx((exp(-1.0) + exp(-3.0)) / 2, rel=1e-2)


def test_the_original_repository_turns_the_ratio_round() -> None:
    inverse = inverse_truth_ratio([2.12367], [PERTURBED])[0]
    assert inverse == pytest.approx(1 / 0.228772, rel=1e-5)


def test_a_ratio_of_a_model_that_lost_all_words_does_not_overflow_into_an_error() -> None:
    assert truth_ratio([900.0], [[900.0]])[0] == 0.0
    assert inverse_truth_ratio([0.0], [[800.0]])[0] == np.inf


def test_closer_to_one_folds_both_directions() -> None:
    assert closer_to_one([0.5, 2.0, 1.0], Convention.ORIGINAL) == pytest.approx(2 / 3, rel=1e-12)
    assert closer_to_one([2.0]) == pytest.approx(1 / (2 + 1e-10), rel=1e-15)
    assert closer_to_one([0.0], Convention.ORIGINAL) == 0.0
    assert closer_to_one([0.0]) == 0.0


def test_true_better_never_falls_below_zero() -> None:
    assert true_better([0.25, 3.0]) == pytest.approx(0.375, rel=1e-12)
    assert true_better_inverse([4.0, 1 / 3, 0.0]) == pytest.approx(0.25, rel=1e-12)


def test_knowledge_is_the_share_of_the_right_answer() -> None:
    assert knowledge([1.0], [[0.0, 2.0]])[0] == pytest.approx(0.5, rel=1e-9)
