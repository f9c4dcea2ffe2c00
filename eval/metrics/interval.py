"""Confidence intervals of a share."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """The two ends, both within [0, 1]."""

    low: float
    high: float


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a share: it covers the true one in at least `confidence` of all samples.

    C. Clopper, E. Pearson, Biometrika 26 (1934). ValueError unless 0 <= hits <= trials and there is a trial.
    """
    if not 0 <= hits <= trials or not trials:
        raise ValueError("hits must be between 0 and the number of trials, of which there must be one")
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return Interval(low, high)
