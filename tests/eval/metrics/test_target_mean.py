from __future__ import annotations

import pytest

from eval.metrics.statistics import target_mean


def test_targets_weigh_alike_whatever_their_probes() -> None:
    assert target_mean(["a", "a", "a", "b"], [1.0, 1.0, 1.0, 0.0]) == 0.5


def test_no_scores_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no scores"):
        target_mean([], [])
