"""Leak@k: the chance that at least one of k sampled answers gives away what was to be forgotten."""

from __future__ import annotations

from math import comb


def leak_at_k(samples: int, leaks: int, k: int) -> float:
    """Unbiased estimate 1 - C(n-c, k) / C(n, k) from `leaks` c of `samples` n, exact before the last division."""
    if not 0 <= leaks <= samples:
        raise ValueError("leaks must be between 0 and the number of samples")
    if not 1 <= k <= samples:
        raise ValueError("k must be between 1 and the number of samples")
    draws = comb(samples, k)
    return (draws - comb(samples - leaks, k)) / draws
