"""Truth ratio: the likelihood of wrong answers relative to the right one.

The losses of the wrong answers are averaged BEFORE the exponential (a geometric mean of probabilities), as both
reference implementations do and unlike the paper's formula. Ratios are wrong over correct unless a name says
otherwise: 0 for a model that knows, 1 for one that cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Row = TypeVar("Row")

_ORIGINAL_MAX_SAMPLES = 300


class Convention(StrEnum):
    """`original`: locuslab/tofu and its leaderboard; `open_unlearning`: locuslab/open-unlearning.

    Their p-values are not comparable: the first takes 300 samples a set, the second all of them (400).
    """

    ORIGINAL = "original"
    OPEN_UNLEARNING = "open_unlearning"

    @property
    def epsilon(self) -> float:
        """Return what is added to denominators."""
        return 1e-10 if self is Convention.OPEN_UNLEARNING else 0.0

    def sample(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the rows of an evaluation set that are scored: the first 300, or all."""
        return rows if self is Convention.OPEN_UNLEARNING else rows[:_ORIGINAL_MAX_SAMPLES]


_EPSILON = Convention.OPEN_UNLEARNING.epsilon


def _losses(correct: ArrayLike, wrong: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    right = np.asarray(correct, dtype=np.float64)
    others = np.asarray(wrong, dtype=np.float64)
    return right, others.mean(axis=-1)


def truth_ratio(correct_losses: ArrayLike, wrong_losses: ArrayLike) -> NDArray[np.float64]:
    """Return exp(-mean L(wrong)) / (exp(-L(correct)) + 1e-10) of each sample (open-unlearning).

    `correct_losses` has shape [n] (the paraphrase; the answer itself where there is none), `wrong_losses`
    [n, answers], both averages over tokens.
    """
    right, others = _losses(correct_losses, wrong_losses)
    return np.asarray(np.exp(-others) / (np.exp(-right) + _EPSILON))


def inverse_truth_ratio(correct_losses: ArrayLike, wrong_losses: ArrayLike) -> NDArray[np.float64]:
    """Return exp(mean L(wrong) - L(correct)) of each sample: correct over wrong (original)."""
    right, others = _losses(correct_losses, wrong_losses)
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(others - right))


def knowledge(correct_losses: ArrayLike, wrong_losses: ArrayLike) -> NDArray[np.float64]:
    """Return P(correct) / (P(correct) + P(wrong) + 1e-10) of each sample: open-unlearning's `prob_mean`."""
    right, others = _losses(correct_losses, wrong_losses)
    likely = np.exp(-right)
    return np.asarray(likely / (likely + np.exp(-others) + _EPSILON))


def closer_to_one(ratios: ArrayLike, convention: Convention = Convention.OPEN_UNLEARNING) -> float:
    """Return mean min(R, 1/(R + eps)): the forget set. The direction of R does not matter where eps is 0."""
    values = np.asarray(ratios, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return float(np.mean(np.minimum(values, 1 / (values + convention.epsilon))))


def true_better(ratios: ArrayLike) -> float:
    """Return mean max(0, 1 - R): Retain, Real Authors and World Facts, with R wrong over correct."""
    return float(np.mean(np.maximum(0, 1 - np.asarray(ratios, dtype=np.float64))))


def true_better_inverse(inverse_ratios: ArrayLike) -> float:
    """Return mean max(0, 1 - 1/R): the same, with R correct over wrong."""
    with np.errstate(divide="ignore"):
        return true_better(1 / np.asarray(inverse_ratios, dtype=np.float64))
