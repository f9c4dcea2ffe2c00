from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from eval.metrics.probability import average_loss, normalised, probability
from eval.metrics.truth_ratio import Convention


def test_every_token_and_the_end_of_sequence_share_the_loss() -> None:
    # Two answer tokens of probability 1/2 and 1/8, and the end of sequence of 1/4.
    loss = average_loss([log(0.5), log(0.125), log(0.25)])
    assert loss == pytest.approx(2 * log(2), rel=1e-12)
    assert probability([loss])[0] == pytest.approx(0.25, rel=1e-12)


def test_an_answer_without_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="without tokens"):
        average_loss([])


def test_normalised_divides_by_all_answers() -> None:
    value = normalised([0.2, 0.5], [[0.1, 0.1], [0.0, 0.0]], Convention.ORIGINAL)
    np.testing.assert_allclose(value, [0.5, 1.0], rtol=1e-15)


def test_only_open_unlearning_adds_to_the_denominator() -> None:
    tiny = normalised([1e-10], [[1e-10, 1e-10]], Convention.OPEN_UNLEARNING)
    assert tiny[0] == pytest.approx(1 / 4, rel=1e-12)
    assert normalised([1e-10], [[1e-10, 1e-10]], Convention.ORIGINAL)[0] == pytest.approx(1 / 3, rel=1e-12)


def test_probability_of_a_lost_answer_is_not_an_error() -> None:
    assert probability([1e4])[0] == 0.0
    assert exp(-1e4) == 0.0


@pytest.mark.parametrize(("convention", "count"), [(Convention.ORIGINAL, 300), (Convention.OPEN_UNLEARNING, 400)])
def test_the_conventions_take_300_and_400_samples(convention: Convention, count: int) -> None:
    assert list(convention.sample(range(400))) == list(range(count))
