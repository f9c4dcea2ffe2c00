"""The decisions between the calls: which candidates are merged, and which ratings the audit overrules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agents.prompts.replies import LOWEST

VARIANTS = 5
BEST = 3
THRESHOLD = 4.0
"""The published constants: k = 5 variants, the best j = 3 merged, declined below a mean of 4.0."""


class Selection(NamedTuple):
    """The candidates to merge, best first, and the mean of their ratings."""

    texts: tuple[str, ...]
    mean: float


def select_best(texts: Sequence[str], ratings: Sequence[int]) -> Selection | None:
    """Return the BEST candidates by rating, the earlier first among equals; None if there are fewer.

    `texts` and `ratings` must be of equal length; ValueError otherwise.
    """
    ranked = sorted(zip(texts, ratings, strict=True), key=lambda pair: -pair[1])[:BEST]
    if len(ranked) < BEST:
        return None
    return Selection(tuple(text for text, _ in ranked), sum(rating for _, rating in ranked) / BEST)


def overrule_ratings(ratings: Sequence[int], leaking: Sequence[bool]) -> tuple[int, ...]:
    """Return the ratings, set to the minimum for every candidate that the deterministic audit found leaking."""
    return tuple(LOWEST if leaks else rating for rating, leaks in zip(ratings, leaking, strict=True))
