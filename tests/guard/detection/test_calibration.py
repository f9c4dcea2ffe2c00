from __future__ import annotations

import pytest

from guard.detection.calibration import (
    DOUBT_COSINE,
    DOUBT_ROWS,
    NARROWING,
    Calibration,
    Signals,
    cosine_calibration,
    doubt_cosine,
)


def touched(calibration: Calibration, signals: Signals) -> bool:
    return calibration.probability(signals) >= calibration.cut


def test_a_name_decides_by_itself() -> None:
    assert Calibration(-100.0, 1.0, 1.0).probability(Signals(1.0, -1.0)) == 1.0


def test_without_examples_the_threshold_is_where_the_odds_are_even() -> None:
    calibration = cosine_calibration(0.75)
    assert calibration.probability(Signals(0.0, 0.75)) == pytest.approx(0.5)
    assert touched(calibration, Signals(0.0, 0.7501))
    assert not touched(calibration, Signals(0.0, 0.7499))


def test_a_part_of_a_name_lowers_the_threshold_by_its_weight() -> None:
    calibration = cosine_calibration(0.75)
    assert touched(calibration, Signals(0.0, 0.351, partial=1.0))
    assert not touched(calibration, Signals(0.0, 0.349, partial=1.0))
    assert touched(calibration, Signals(0.0, 0.511, partial=0.6))


def test_every_signal_has_its_weight_and_extreme_odds_stay_probabilities() -> None:
    calibration = Calibration(0.0, 1.0, 1.0, 1.0, 1.0)
    at = calibration.probability(Signals(0.0, 0.1, 0.1, 0.1, 0.1))
    assert at == pytest.approx(1 / (1 + 2.718281828**-0.4))
    assert 0.0 <= calibration.probability(Signals(0.0, 0.0, classifier=-1e9)) < 1e-9
    assert calibration.probability(Signals(0.0, 0.0, classifier=1e9)) <= 1.0


def test_the_more_rows_there_are_the_nearer_a_question_must_come_to_leave_a_doubt() -> None:
    assert doubt_cosine(0) == doubt_cosine(DOUBT_ROWS) == DOUBT_COSINE
    assert doubt_cosine(4 * DOUBT_ROWS) == pytest.approx(DOUBT_COSINE - 2 * NARROWING)
    assert doubt_cosine(1 << 40) == 0.0
