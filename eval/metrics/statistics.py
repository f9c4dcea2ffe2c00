"""Statistics of per-sample values: forget quality, utility, leak@k, intervals and means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import comb
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class KsTest(NamedTuple):
    """Two-sample Kolmogorov-Smirnov: the distance of the distribution functions, and its p-value."""

    statistic: float
    p_value: float


def forget_quality(model_ratios: ArrayLike, retain_ratios: ArrayLike) -> KsTest:
    """Return the two-sided test of the forget set's truth ratios; `p_value`, not its log, is the forget quality.

    The p-value is exact up to 10,000 samples (scipy's method "auto"). It is the same for ratios of either
    direction, and has a floor that depends on the sample count alone: 1.06e-239 at 400, 1.48e-179 at 300.
    """
    from scipy.stats import ks_2samp

    result = ks_2samp(np.asarray(model_ratios, np.float64), np.asarray(retain_ratios, np.float64))
    return KsTest(float(result.statistic), float(result.pvalue))


class Interval(NamedTuple):
    """Both ends, within [0, 1]."""

    low: float
    high: float


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a share: it covers the true one in at least `confidence` of all samples.

    C. Clopper, E. Pearson, Biometrika 26 (1934). ValueError unless 0 <= hits <= trials and there is a trial.
    """
    if not 0 <= hits <= trials or not trials:
        raise ValueError("hits must be between 0 and the number of trials, of which there must be one")
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return Interval(low, high)


def leak_at_k(samples: int, leaks: int, k: int) -> float:
    """Return the unbiased estimate 1 - C(n-c, k) / C(n, k), n samples and c leaks; only the division rounds."""
    if not 0 <= leaks <= samples:
        raise ValueError("leaks must be between 0 and the number of samples")
    if not 1 <= k <= samples:
        raise ValueError("k must be between 1 and the number of samples")
    draws = comb(samples, k)
    return (draws - comb(samples - leaks, k)) / draws


def target_mean(targets: Sequence[str], scores: Sequence[float]) -> float:
    """Return the mean over the probes of each target, then over targets, which weigh alike."""
    groups: dict[str, list[float]] = defaultdict(list)
    for target, score in zip(targets, scores, strict=True):
        groups[target].append(score)
    if not groups:
        raise ValueError("no scores to average")
    return fmean(fmean(group) for group in groups.values())


class SplitScores(NamedTuple):
    """The three aggregates of one evaluation set; probability is the normalised one where there is one."""

    probability: float
    rouge: float
    truth_ratio: float


def model_utility(retain: SplitScores, real_authors: SplitScores, world_facts: SplitScores) -> float:
    """Return the harmonic mean of the nine aggregates, 0 where one is 0; the forget set is not in it."""
    from scipy.stats import hmean

    return float(hmean([*retain, *real_authors, *world_facts]))
