from __future__ import annotations

from pathlib import Path

import pytest

from eval.core.errors import BadBenchmark
from eval.growth.growth import GrowthPoint
from eval.growth.sustainability import load_texts, measure_sustainability
from tests.eval.growth.fakes import steadily_growing


def test_targets_are_added_one_at_a_time_with_a_point_after_every_step() -> None:
    growth, seen = steadily_growing(), list[GrowthPoint]()
    points = measure_sustainability(growth, [f"text {n}" for n in range(7)], 3, seen.append)
    assert [point.targets for point in points] == [0, 3, 6, 7]
    assert seen == points
    assert [len(batch) for batch in growth.admin.batches] == [1] * 7  # type: ignore[attr-defined]


def test_a_missing_file_and_too_few_texts_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="no file raw/forget"):
        load_texts(tmp_path, 1)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "forget.json").write_text('["one", "one", ""]')
    assert load_texts(tmp_path, 1) == ["one"]
    with pytest.raises(BadBenchmark, match="1 distinct texts, and 2"):
        load_texts(tmp_path, 2)
