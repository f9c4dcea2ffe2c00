"""Model utility: what is left of everything that was not to be forgotten."""

from __future__ import annotations

from typing import NamedTuple

from scipy.stats import hmean


class SplitScores(NamedTuple):
    """The three aggregates of one evaluation set; probability is the normalised one where there is one."""

    probability: float
    rouge: float
    truth_ratio: float


def model_utility(retain: SplitScores, real_authors: SplitScores, world_facts: SplitScores) -> float:
    """Harmonic mean of the nine aggregates; 0 as soon as one is 0. The forget set has no part in it."""
    return float(hmean([*retain, *real_authors, *world_facts]))
