from __future__ import annotations

import json
import re

import pytest

from eval.growth.growth import GrowthPoint
from eval.growth.report import GrowthReport, growth_chart, point_table, trend, trend_table


def points(*latencies: float) -> list[GrowthPoint]:
    return [GrowthPoint(10 * n, 50.0, 1.0, p50, 2 * p50, 30, 0, 0.1) for n, p50 in enumerate(latencies)]


def test_a_trend_is_the_change_over_all_targets() -> None:
    found = trend([0, 10, 20], [1.0, 2.0, 3.0])
    assert found == pytest.approx((2.0, 2.0, 2.0))


def test_noise_counts_as_flat_and_growth_does_not() -> None:
    assert trend_table(points(0.1, 0.12, 0.09, 0.11, 0.1)).count("| yes |") == 3
    assert "latency p50 (ms) | +40.00" in (grows := trend_table(points(0.1, 0.11, 0.12, 0.13, 0.14)))
    assert grows.count("| no |") == 2


def test_the_files_of_a_result_agree() -> None:
    report = GrowthReport({"command": "lethe eval sustainability"}, points(0.1, 0.2, 0.1))
    files = report.files()
    assert [point["p50"] for point in json.loads(files["results.json"])["points"]] == [0.1, 0.2, 0.1]
    assert files["report.md"].startswith(point_table(report.points))
    assert growth_chart(report.points).count("<polyline") == 3
    assert not re.search(r"nan|inf", files["report.svg"])
