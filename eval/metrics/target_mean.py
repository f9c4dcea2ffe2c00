"""Averages over probes that belong to targets, as RWKU reports them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean


def target_mean(targets: Sequence[str], scores: Sequence[float]) -> float:
    """Mean over the probes of each target, then over targets; a target of many probes weighs as one of few."""
    groups: dict[str, list[float]] = defaultdict(list)
    for target, score in zip(targets, scores, strict=True):
        groups[target].append(score)
    if not groups:
        raise ValueError("no scores to average")
    return fmean(fmean(group) for group in groups.values())
