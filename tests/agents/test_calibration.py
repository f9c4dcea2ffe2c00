from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.calibration import Probe, coverage, threshold_for

RATE = 0.1


def scripted(seed: int, count: int) -> list[Probe]:
    """Scores as a critic gives them: means of three ratings, leaks rated lower but not always."""
    random = np.random.default_rng(seed)
    leaks = random.random(count) < 0.4
    ratings = np.clip(np.rint(random.normal(np.where(leaks, 2.6, 4.3)[:, None], 1.0, (count, 3))), 1, 5)
    return [Probe(float(score), bool(leak)) for score, leak in zip(ratings.mean(axis=1), leaks, strict=True)]


def leaks(*scores: float) -> list[Probe]:
    return [Probe(score, True) for score in scores]


def test_the_threshold_lies_just_above_the_conformal_rank() -> None:
    # m = 9 and a rate of 0.2: the rank is ceil(10 * 0.8) = 8.
    probes = leaks(1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert threshold_for(probes, 0.2) == math.nextafter(8.0, math.inf)


def test_answers_without_a_leak_do_not_move_it() -> None:
    probes = leaks(1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert threshold_for([*probes, *(Probe(9.0, False),) * 50], 0.2) == threshold_for(probes, 0.2)


@pytest.mark.parametrize(("count", "rate", "enough"), [(18, 0.05, False), (19, 0.05, True), (0, 0.5, False)])
def test_too_few_leaking_probes_accept_nothing(count: int, rate: float, enough: bool) -> None:
    assert math.isfinite(threshold_for(leaks(*(3.0,) * count), rate)) is enough


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_a_rate_outside_its_range_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold_for([], rate)


@given(st.lists(st.integers(3, 15), min_size=1, max_size=60), st.floats(0.02, 0.9))
def test_on_its_own_probes_no_more_than_the_rate_is_accepted(thirds: list[int], rate: float) -> None:
    probes = leaks(*(third / 3 for third in thirds))
    threshold = threshold_for(probes, rate)
    assert sum(probe.score >= threshold for probe in probes) <= rate * (len(probes) + 1) + 1e-6


@given(st.lists(st.integers(3, 15), min_size=1, max_size=60), st.floats(0.02, 0.5))
def test_a_stricter_rate_never_lowers_the_threshold(thirds: list[int], rate: float) -> None:
    probes = leaks(*(third / 3 for third in thirds))
    assert threshold_for(probes, rate / 2) >= threshold_for(probes, rate)


@pytest.mark.parametrize("seed", range(5))
def test_on_five_resamplings_the_realised_leak_rate_stays_below_the_stated_one_and_its_bound(seed: int) -> None:
    probes = scripted(seed, 1200)
    calibration, held_out = probes[:600], probes[600:]
    threshold = threshold_for(calibration, RATE)
    reached = coverage(threshold, held_out, RATE, sum(probe.leaks for probe in calibration))
    assert RATE <= reached.bound < RATE + 0.07
    assert reached.leaked <= reached.bound
    assert reached.answered > 0.8


def test_over_many_resamplings_the_mean_leak_rate_is_no_higher_than_stated() -> None:
    realised = []
    for seed in range(300):
        probes = scripted(seed, 400)
        realised.append(coverage(threshold_for(probes[:200], RATE), probes[200:], RATE, 80).leaked)
    assert np.mean(realised) <= RATE


def test_the_bound_holds_as_often_as_its_confidence_says() -> None:
    random = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        scores = leaks(*random.random(119))
        reached = coverage(threshold_for(scores[:59], RATE), scores[59:], RATE, 59)
        held += reached.leaked <= reached.bound
    # 95 % of 400, less three standard deviations.
    assert held / 400 >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 400)


def test_coverage_counts_each_kind_for_itself() -> None:
    probes = [Probe(5, True), Probe(1, True), Probe(5, False), Probe(4, False), Probe(1, False), Probe(5, False)]
    reached = coverage(4.0, probes, RATE, 100)
    assert (reached.leaked, reached.answered) == (0.5, 0.75)
    assert (reached.leaking, reached.harmless) == (2, 4)
    assert coverage(math.inf, [], RATE, 0) == (0.0, 0.0, 0.0, 0, 0)
