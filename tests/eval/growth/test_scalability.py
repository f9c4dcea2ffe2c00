from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.core.errors import BadBenchmark
from eval.growth.scalability import load_nested, measure_scalability
from tests.eval.growth.fakes import steadily_growing


def test_each_nested_set_adds_only_new_texts(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "sust").mkdir()
    (tmp_path / "raw" / "forget.json").write_text(json.dumps(["one", "", "two"]))
    for number, texts in {2: ["two", "three"], 3: ["four"], 4: ["five", "five"]}.items():
        (tmp_path / "sust" / f"forget_{number}.json").write_text(json.dumps(texts))
    sets = load_nested(tmp_path, None)
    assert sets.added == [["one", "two"], ["three"], ["four"], ["five"]]
    assert "sust" in sets.source
    points = measure_scalability(steadily_growing(), sets, lambda point: None)
    assert [point.targets for point in points] == [0, 2, 3, 4, 5]


def test_the_published_nested_sets_are_used_where_they_exist(tmp_path: Path) -> None:
    (tmp_path / "scal").mkdir()
    (tmp_path / "scal" / "forget_1.json").write_text('["one"]')
    (tmp_path / "scal" / "forget_2.json").write_text('["one", "two"]')
    assert load_nested(tmp_path, None) == ("scal/forget_1 to 4", [["one"], ["two"]])


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="neither scal"):
        load_nested(tmp_path, None)
