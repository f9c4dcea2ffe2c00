"""Membership inference: scores that are higher for texts less likely trained on, and their AUC.

The loss attack's score is the average loss itself (probability.average_loss).
"""

from __future__ import annotations

import zlib
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_K_SHARE: Final = 0.4
_MIN_VARIANCE = 1e-6


def zlib_score(average_loss: float, text: str) -> float:
    """Return the average loss over the length of the zlib-compressed text, in bytes."""
    return average_loss / len(zlib.compress(text.encode("utf-8")))


def min_k(token_log_probs: ArrayLike, share: float = MIN_K_SHARE) -> float:
    """Return -mean of the lowest max(1, int(share * n)) log p of the n labels before the last; 0 where n is 0."""
    return _lowest(np.asarray(token_log_probs, dtype=np.float64)[:-1], share)


def min_k_plus_plus(
    token_log_probs: ArrayLike, vocabulary_log_probs: ArrayLike, share: float = MIN_K_SHARE
) -> float:
    """Return min-k of (log p - mu) / sqrt(max(variance, 1e-6)), both over the vocabulary at each position.

    `token_log_probs` has shape [n], `vocabulary_log_probs` [n, vocabulary]; the last position is left out.
    """
    tokens = np.asarray(token_log_probs, dtype=np.float64)[:-1]
    full = np.asarray(vocabulary_log_probs, dtype=np.float64)[:-1]
    p = np.exp(full)
    finite = np.where(p > 0, full, 0.0)
    mean = (p * finite).sum(axis=-1)
    variance = (p * np.square(finite)).sum(axis=-1) - np.square(mean)
    return _lowest((tokens - mean) / np.sqrt(np.maximum(variance, _MIN_VARIANCE)), share)


def muse_min_k(token_log_probs: ArrayLike, share: float = MIN_K_SHARE) -> float:
    """Return -mean of the lowest int(share * n) log p of ALL tokens after the first, as the MUSE authors do."""
    log_probs = np.sort(np.asarray(token_log_probs, dtype=np.float64))
    count = int(share * log_probs.size)
    if count == 0:
        raise ValueError("too few tokens for this share")
    return float(-log_probs[:count].mean())


def _lowest(values: NDArray[np.float64], share: float) -> float:
    if values.size == 0:
        return 0.0
    return float(-np.sort(values)[: max(1, int(values.size * share))].mean())


def auc(forget_scores: ArrayLike, holdout_scores: ArrayLike) -> float:
    """Return the chance that a holdout score exceeds a forget score, ties counting half; 1 for full leakage.

    open-unlearning's direction; the MUSE authors' is 1 minus this. NaN where a score is.
    """
    members = np.sort(np.asarray(forget_scores, dtype=np.float64))
    others = np.asarray(holdout_scores, dtype=np.float64)
    if members.size == 0 or others.size == 0:
        raise ValueError("both sets need a score")
    if np.isnan(members).any() or np.isnan(others).any():
        return float("nan")
    below = np.searchsorted(members, others, side="left").sum()
    upto = np.searchsorted(members, others, side="right").sum()
    return float((below + upto) / (2 * members.size * others.size))


_EPSILON = 1e-10

DEFAULT_RETAIN_AUC: Final = 0.5
"""open-unlearning's value without a log of a retain model."""


class Corpus(StrEnum):
    """The two corpora of MUSE."""

    NEWS = "news"
    BOOKS = "books"


MUSE_RETRAIN_AUC: Final = {Corpus.NEWS: 0.47719999999999996, Corpus.BOOKS: 0.5392999999999999}
"""AUC of the retrained models, in the MUSE authors' direction (their constants.py, forget_holdout_Min-40%)."""


def privleak(auc: float, retain_auc: float = DEFAULT_RETAIN_AUC) -> float:
    """Return open-unlearning's PrivLeak; both AUC are in its direction (`auc`), and inverted here."""
    score, reference = 1 - auc, 1 - retain_auc
    return (score - reference) / (reference + _EPSILON) * 100


def muse_privleak(auc: float, retrain_auc: float) -> float:
    """Return the MUSE authors' PrivLeak; both AUC are in their direction, 1 - `auc`."""
    return (auc - retrain_auc) / retrain_auc * 100
