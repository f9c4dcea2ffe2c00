from __future__ import annotations

import pytest

from eval.detection.measure import Guess, Measured, Share, pooled
from eval.detection.report import calibration_error, markdown, picture, spread
from guard.detection.training import Fitted


def measured(found: int, stopped: int, fitted: Fitted | None = None) -> Measured:
    shares = (Share("cloze", True, 10, found), Share("reverse", True, 30, 30), Share("others", False, 20, stopped))
    return Measured("People", shares, (Guess(0.9, True), Guess(0.1, False)), "cosine 0.75", fitted)


def test_groups_of_several_sets_are_counted_together() -> None:
    assert pooled([measured(9, 1), measured(6, 0)]) == (
        Share("cloze", True, 20, 15),
        Share("reverse", True, 60, 60),
        Share("others", False, 40, 1),
    )


def test_a_group_that_only_one_set_has_is_counted_there() -> None:
    alone = Measured("People", (Share("fill in", True, 4, 1),), (), "")
    assert pooled([measured(9, 1), alone])[-1] == Share("fill in", True, 4, 1)


def test_a_section_tells_each_group_and_all_of_a_kind() -> None:
    text = markdown([measured(8, 1)])
    assert "## People: without training" in text
    assert "| cloze | 10 | 0.8000 |" in text
    assert "| all | 40 | 0.9500 |" in text
    assert "| all | 20 | 0.0500 |" in text


def test_sets_are_told_together_and_one_by_one() -> None:
    text = spread("Two sets", [measured(8, 1), measured(10, 0)])
    assert "| cloze | 20 | 0.9000 |" in text
    assert "| all | 80 | 0.9750 |" in text
    assert "| 1 | 0.9500 | 0.0500 | cosine 0.75 |" in text
    assert "| 2 | 1.0000 | 0.0000 | cosine 0.75 |" in text


def test_the_calibration_error_is_the_mean_distance_of_what_is_given_and_what_is_right() -> None:
    right = [Guess(0.95, True), Guess(0.95, True)]
    wrong = [Guess(0.75, False), Guess(0.75, True)]
    assert calibration_error(right) == pytest.approx(0.05)
    assert calibration_error([*right, *wrong]) == pytest.approx((0.05 + 0.25) / 2)
    assert calibration_error([*right, Guess(1.0, False)]) == pytest.approx(0.05), "a name is certain by rule"


def test_only_what_was_trained_has_a_curve() -> None:
    untrained = picture([measured(8, 1)])
    trained = picture([measured(8, 1, Fitted.__new__(Fitted, None, 1.0, 0.0, 6, 6))])
    assert untrained.startswith("<svg")
    assert "People" in trained
    assert "People" not in untrained
