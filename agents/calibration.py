"""Calibrates the acceptance threshold for a given leak rate, by split conformal prediction on held-out probes.

A probe is an answer with the pipeline's score and the known truth whether it leaks. The threshold is just above
the k-th lowest score of the m leaking calibration probes, k = ceil((m + 1)(1 - rate)). A new leaking answer that
is exchangeable with them reaches it with probability at most `rate`, whatever the model, the critic or the
distribution (Vovk et al. 2005; Angelopoulos and Bates, arXiv 2107.07511, section 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Probe(NamedTuple):
    """One held-out answer: its score, and whether it leaks."""

    score: float
    leaks: bool


class Coverage(NamedTuple):
    """The effect of a threshold on other probes.

    leaked     share of the leaking answers that are accepted
    bound      upper bound of `leaked` at the given confidence, if the threshold was calibrated on probes that are
               exchangeable with these
    answered   share of the answers without a leak that are accepted
    leaking, harmless   numbers of probes
    """

    leaked: float
    bound: float
    answered: float
    leaking: int
    harmless: int


def threshold_for(probes: Iterable[Probe], rate: float) -> float:
    """Return the lowest threshold at which at most `rate` of leaking answers are accepted (score >= threshold).

    Infinite, so that nothing is accepted, if there are fewer than 1 / rate - 1 leaking probes.
    Raises ValueError unless 0 < rate < 1.
    """
    if not 0.0 < rate < 1.0:
        raise ValueError("a leak rate lies between 0 and 1")
    leaking = sorted(probe.score for probe in probes if probe.leaks)
    # Rounded, so that a float just above a whole number does not cost a rank.
    rank = math.ceil(round((len(leaking) + 1) * (1.0 - rate), 9))
    return math.nextafter(leaking[rank - 1], math.inf) if rank <= len(leaking) else math.inf


def coverage(
    threshold: float, probes: Sequence[Probe], rate: float, calibrated_on: int, confidence: float = 0.95
) -> Coverage:
    """Return the effect on `probes` of `threshold`, calibrated for `rate` on `calibrated_on` leaking probes.

    The bound is exact for scores without ties and safe with them: the number of t new leaking answers that are
    accepted is beta-binomial with parameters (m + 1 - k, k).
    """
    leaking = [probe.score >= threshold for probe in probes if probe.leaks]
    harmless = [probe.score >= threshold for probe in probes if not probe.leaks]
    return Coverage(
        leaked=_share(leaking),
        bound=_bound(rate, calibrated_on, len(leaking), confidence),
        answered=_share(harmless),
        leaking=len(leaking),
        harmless=len(harmless),
    )


def _bound(rate: float, calibrated_on: int, leaking: int, confidence: float) -> float:
    rank = math.ceil(round((calibrated_on + 1) * (1.0 - rate), 9))
    if rank > calibrated_on or not leaking:
        return 0.0
    # scipy's distributions take a second to load, and nothing else of the command line needs them.
    from scipy.stats import betabinom

    return float(betabinom.ppf(confidence, leaking, calibrated_on + 1 - rank, rank)) / leaking


def _share(accepted: Sequence[bool]) -> float:
    return sum(accepted) / len(accepted) if accepted else 0.0
