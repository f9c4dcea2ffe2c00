"""How strongly a conversation touches a target: its signals, weighed into one probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

THRESHOLD = 0.75
"""The cosine from which a conversation is about a target, for all-MiniLM-L6-v2.

Chosen on TOFU's authors outside forget10 and retain_perturbed: with 20 of them as targets, five times, 2.5 % of
2,800 questions about the others reach it. docs/detector.md has what it does on the rows that reports are made of.
"""


@dataclass(frozen=True, slots=True)
class Signals:
    """Why a target matched.

    name        1.0 when its name or an alias occurs
    semantic    the best cosine of a window to a row of the target
    partial     how much the part of its name that occurs tells, 0 to 1
    contrast    the best lead of the target's rows over texts that are to be answered; 0 without a classifier
    classifier  log-odds of the trained classifier that a window is about the target; 0 without one
    """

    name: float
    semantic: float
    partial: float = 0.0
    contrast: float = 0.0
    classifier: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log-odds as a weighted sum of the signals; a target is touched from probability `cut` on.

    A name decides by itself: whoever names a target asks about it, whatever the weights.
    """

    bias: float
    semantic: float
    partial: float
    contrast: float = 0.0
    classifier: float = 0.0
    cut: float = 0.5

    def probability(self, signals: Signals) -> float:
        """Return how probable it is that a conversation with these signals is about the target."""
        if signals.name:
            return 1.0
        odds = (
            self.bias
            + self.semantic * signals.semantic
            + self.partial * signals.partial
            + self.contrast * signals.contrast
            + self.classifier * signals.classifier
        )
        return 1.0 / (1.0 + math.exp(-max(min(odds, 60.0), -60.0)))


# Slope of the log-odds over the cosine, as fitted on RWKU's other half, and what both ends of a name are worth in
# cosine: a surname alone brings the threshold from 0.75 to 0.60.
SLOPE = 18.0
PART = 0.25


def by_cosine(threshold: float = THRESHOLD) -> Calibration:
    """Return the calibration without examples: touched from this cosine on, or PART below it with a whole part."""
    return Calibration(bias=-SLOPE * threshold, semantic=SLOPE, partial=SLOPE * PART)
