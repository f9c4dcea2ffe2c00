from __future__ import annotations

import pytest

from eval.detection.measure import DetectorResult, GroupResult, TargetScore, pool_groups
from eval.detection.report import calibration_chart, calibration_error, markdown, sets_section
from guard.detection.training import FittedClassifier


def outcome(found: int, stopped: int, fitted: FittedClassifier | None = None) -> DetectorResult:
    results = (
        GroupResult("cloze", True, 10, found),
        GroupResult("reverse", True, 30, 30),
        GroupResult("others", False, 20, stopped),
    )
    return DetectorResult(
        "People", results, (TargetScore(0.9, True), TargetScore(0.1, False)), "cosine 0.75", fitted
    )


def test_groups_of_several_sets_are_summed() -> None:
    assert pool_groups([outcome(9, 1), outcome(6, 0)]) == (
        GroupResult("cloze", True, 20, 15),
        GroupResult("reverse", True, 60, 60),
        GroupResult("others", False, 40, 1),
    )


def test_a_group_of_one_set_alone_is_kept() -> None:
    alone = DetectorResult("People", (GroupResult("fill in", True, 4, 1),), (), "")
    assert pool_groups([outcome(9, 1), alone])[-1] == GroupResult("fill in", True, 4, 1)


def test_a_section_has_each_group_and_the_sum_of_each_kind() -> None:
    text = markdown([outcome(8, 1)])
    assert "## People: without training" in text
    assert "| cloze | 10 | 0.8000 |" in text
    assert "| all | 40 | 0.9500 |" in text
    assert "| all | 20 | 0.0500 |" in text


def test_several_sets_are_reported_together_and_one_by_one() -> None:
    text = sets_section("Two sets", [outcome(8, 1), outcome(10, 0)])
    assert "| cloze | 20 | 0.9000 |" in text
    assert "| all | 80 | 0.9750 |" in text
    assert "| 1 | 0.9500 | 0.0500 | cosine 0.75 |" in text
    assert "| 2 | 1.0000 | 0.0000 | cosine 0.75 |" in text


def test_the_calibration_error_is_the_mean_distance_of_probability_and_share_correct() -> None:
    right = [TargetScore(0.95, True), TargetScore(0.95, True)]
    wrong = [TargetScore(0.75, False), TargetScore(0.75, True)]
    assert calibration_error(right) == pytest.approx(0.05)
    assert calibration_error([*right, *wrong]) == pytest.approx((0.05 + 0.25) / 2)
    assert calibration_error([*right, TargetScore(1.0, False)]) == pytest.approx(0.05), "a name is certain by rule"


def test_only_a_trained_classifier_has_a_curve() -> None:
    untrained = calibration_chart([outcome(8, 1)])
    trained = calibration_chart([outcome(8, 1, FittedClassifier.__new__(FittedClassifier, None, 1.0, 0.0, 6, 6))])
    assert untrained.startswith("<svg")
    assert "People" in trained
    assert "People" not in untrained
