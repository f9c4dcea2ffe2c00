"""Calibration: the signals of a conversation and a target, weighed into one probability that it touches it."""

from __future__ import annotations

import math
from dataclasses import dataclass

COSINE_THRESHOLD = 0.75
"""Cosine from which a conversation is about a target, for all-MiniLM-L6-v2.

Chosen on TOFU's authors outside forget10 and retain_perturbed: with 20 of them as targets, five times, 2.5 % of
2,800 questions about the others reach it. docs/detector.md has its results on the rows that are reported.
"""
DOUBT_COSINE = 0.25
"""A target that a conversation misses by less, in cosine, is in doubt: the answer's sentences are read for it."""
MIN_DOUBT = 0.01
"""The probability of a match from which a target is in doubt: with the rule without training, DOUBT_COSINE."""
DOUBT_ROWS = 2_000
"""With more rows in the index, any question comes near to some of them: DOUBT_COSINE is narrowed by NARROWING for
every doubling, which leaves about a third of the questions on the world in doubt (docs/detector.md)."""
NARROWING = 0.03

DECISIVE = 0.95
"""The least probability that a conversation with a decisive phrase is about its target."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Why a target matched.

    name        1.0 when its name or an alias occurs
    semantic    the best cosine of a window to a text of the target
    partial     how telling the part of its name that occurs is, 0 to 1
    contrast    the best lead in cosine of the target's texts over retain texts; 0 without a classifier
    classifier  log-odds of the trained classifier that a window is about the target; 0 without one
    phrases     how telling the target's distinctive phrases are that occur, 0 to 1 (`guard.evidence`)
    """

    name: float
    semantic: float
    partial: float = 0.0
    contrast: float = 0.0
    classifier: float = 0.0
    phrases: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Log-odds as a weighted sum of the signals; a target matches from probability `cut` on.

    A name decides by itself, whatever the weights: a conversation that names a target is about it. So does a
    decisive phrase, or several that agree, with a probability of DECISIVE at least.
    """

    bias: float
    semantic: float
    partial: float
    contrast: float = 0.0
    classifier: float = 0.0
    cut: float = 0.5
    phrases: float = 0.0

    def probability(self, signals: Signals) -> float:
        """Return the probability that a conversation with these signals is about the target."""
        if signals.name:
            return 1.0
        odds = (
            self.bias
            + self.semantic * signals.semantic
            + self.partial * signals.partial
            + self.contrast * signals.contrast
            + self.classifier * signals.classifier
            + self.phrases * signals.phrases
        )
        probability = 1.0 / (1.0 + math.exp(-max(min(odds, 60.0), -60.0)))
        return max(DECISIVE, self.cut, probability) if signals.phrases >= 1.0 else probability


# Fitted on RWKU's other half.
LOG_ODDS_PER_COSINE = 18.0
# What both ends of a name are worth in cosine: a surname alone (0.6 of it) brings the threshold from 0.75 to 0.51.
PARTIAL_NAME_COSINE = 0.40
# The same where a sentence of an answer is read after a question: answers name many people in passing.
ANSWERED_NAME_COSINE = 0.25
# What phrases just short of decisive are worth in cosine.
PHRASES_COSINE = 0.12


def cosine_calibration(
    threshold: float = COSINE_THRESHOLD, partial_name: float = PARTIAL_NAME_COSINE
) -> Calibration:
    """Return the calibration used without examples: a match from this cosine on.

    Both ends of a name lower the threshold by `partial_name`, other parts by less; phrases lower it by up to
    PHRASES_COSINE.
    """
    slope = LOG_ODDS_PER_COSINE
    return Calibration(
        bias=-slope * threshold,
        semantic=slope,
        partial=slope * partial_name,
        phrases=slope * PHRASES_COSINE,
    )


def doubt_cosine(rows: int) -> float:
    """Return by how much a conversation may miss a target and leave it in doubt, with an index of so many rows."""
    return max(0.0, DOUBT_COSINE - NARROWING * math.log2(max(1.0, rows / DOUBT_ROWS)))
