"""Probability of an answer: its likelihood per token, plain or normalised by wrong answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eval.metrics.truth_ratio import Convention


def average_loss(token_log_probs: ArrayLike) -> float:
    """Return L = -mean log p over all tokens of an answer, its end-of-sequence token INCLUDED."""
    log_probs = np.asarray(token_log_probs, dtype=np.float64)
    if log_probs.size == 0:
        raise ValueError("an answer without tokens has no loss")
    return float(-log_probs.mean())


def probability(average_losses: ArrayLike) -> NDArray[np.float64]:
    """Return exp(-L) of each sample: Forget and Retain, never normalised."""
    return np.exp(-np.asarray(average_losses, dtype=np.float64))


def normalised(
    correct: ArrayLike, wrong: ArrayLike, convention: Convention = Convention.OPEN_UNLEARNING
) -> NDArray[np.float64]:
    """Return p / (p + sum of wrong p + eps) of each sample: Real Authors and World Facts.

    `correct` is exp(-L), shape [n]; `wrong` exp(-L) of the perturbed answers, shape [n, answers].
    """
    right = np.asarray(correct, dtype=np.float64)
    others = np.asarray(wrong, dtype=np.float64).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(right / (right + others + convention.epsilon))
