from __future__ import annotations

from pathlib import Path

import pytest

from serving.bench.registry import encryption
from serving.bench.registry.encryption import Cost, markdown, run


def test_every_step_is_measured_with_and_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "CHANGES", 3)
    costs = run(5, 2, tmp_path, lambda _: None)
    assert [len(side) for one in costs for side in (one.plain, one.encrypted)] == [2] * 16
    assert all(value > 0 for one in costs for side in (one.plain, one.encrypted) for value in side)


def test_the_ratio_is_that_of_the_rounds() -> None:
    cost = Cost("a step", "ms, wall", [1.0, 2.0, 4.0], [1.1, 2.0, 5.0], "1.2")
    assert cost.ratio == pytest.approx(1.1)
    assert "| a step | ms, wall | 2.00 | 2.00 | 1.100 | 1.2 |" in markdown([cost])
