"""The two ways in which TOFU numbers are computed and published."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

Row = TypeVar("Row")

_ORIGINAL_SAMPLES = 300


class Convention(StrEnum):
    """`original`: locuslab/tofu and its leaderboard; `open_unlearning`: locuslab/open-unlearning.

    Their p-values are not comparable: the first takes 300 samples a set, the second all of them (400).
    """

    ORIGINAL = "original"
    OPEN_UNLEARNING = "open_unlearning"

    @property
    def epsilon(self) -> float:
        """What is added to a denominator."""
        return 1e-10 if self is Convention.OPEN_UNLEARNING else 0.0

    def sample(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows of an evaluation set that are scored: the first 300, or all."""
        return rows if self is Convention.OPEN_UNLEARNING else rows[:_ORIGINAL_SAMPLES]
