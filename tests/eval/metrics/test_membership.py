from __future__ import annotations

import math
import zlib
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from eval.metrics.membership import (
    MUSE_RETRAIN_AUC,
    Corpus,
    auc,
    min_k,
    min_k_plus_plus,
    muse_min_k,
    muse_privleak,
    privleak,
    zlib_score,
)


def test_zlib_divides_by_packed_bytes() -> None:
    text = "Mira Volkart wrote Zinnober. " * 20
    assert zlib_score(2.0, text) == 2.0 / len(zlib.compress(text.encode()))


def test_min_k_averages_the_lowest_two_fifths_without_the_last() -> None:
    # Five labels stay, int(0.4 * 5) = 2 are taken: -4 and -3. The -9 of the last label is not seen.
    assert min_k([-1.0, -4.0, -2.0, -3.0, -0.5, -9.0]) == 3.5


def test_min_k_takes_at_least_one_label() -> None:
    assert min_k([-1.0, -2.0, -9.0]) == 2.0
    assert min_k([-9.0]) == 0.0


def test_the_muse_authors_drop_no_label() -> None:
    assert muse_min_k([-1.0, -4.0, -2.0, -3.0, -9.0]) == 6.5
    with pytest.raises(ValueError, match="too few"):
        muse_min_k([-1.0, -2.0])


def test_min_k_plus_plus_standardises_by_the_vocabulary() -> None:
    p = np.array([0.5, 0.25, 0.25])
    mean = -(0.5 * log(2) + 0.5 * log(4))
    deviation = math.sqrt(0.5 * log(2) ** 2 + 0.5 * log(4) ** 2 - mean**2)
    vocabulary = np.log(np.stack([p, p]))
    assert min_k_plus_plus([log(0.25), 0.0], vocabulary) == pytest.approx(
        -(log(0.25) - mean) / deviation, rel=1e-9
    )


def test_min_k_plus_plus_survives_a_vocabulary_with_impossible_tokens_and_no_spread() -> None:
    vocabulary = np.array([[0.0, -np.inf], [0.0, -np.inf]])
    assert min_k_plus_plus([-0.001, 0.0], vocabulary) == pytest.approx(0.001 / math.sqrt(1e-6), rel=1e-9)


def test_auc_is_one_where_the_forget_set_is_more_likely() -> None:
    assert auc([0.1, 0.2], [0.3, 0.4]) == 1.0
    assert auc([0.3, 0.4], [0.1, 0.2]) == 0.0


def test_ties_count_half() -> None:
    assert auc([1.0, 2.0], [1.0, 3.0]) == (0.5 + 0.0 + 1.0 + 1.0) / 4


def test_auc_of_a_lost_model_is_not_a_number() -> None:
    assert math.isnan(auc([math.nan, 1.0], [1.0]))


scores = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=15)


@settings(max_examples=40)
@given(scores, scores)
def test_auc_is_that_of_the_labels_zero_forget_and_one_holdout(forget: list[float], holdout: list[float]) -> None:
    labels = [0] * len(forget) + [1] * len(holdout)
    assert auc(forget, holdout) == pytest.approx(roc_auc_score(labels, forget + holdout), rel=1e-12)


def test_a_model_that_shows_its_training_leaks_a_hundred_percent() -> None:
    assert privleak(1.0, 0.3513) == pytest.approx(-100, abs=1e-6)


def test_the_news_retrained_model_against_the_default() -> None:
    assert privleak(0.5236000000000001) == pytest.approx(-4.7199999990560135, rel=1e-12)


def test_over_unlearning_is_positive() -> None:
    assert privleak(0.25, 0.5) == pytest.approx(50, rel=1e-9)


def test_the_retain_model_itself_leaks_nothing() -> None:
    assert privleak(0.38, 0.38) == 0.0
    assert muse_privleak(MUSE_RETRAIN_AUC[Corpus.NEWS], MUSE_RETRAIN_AUC[Corpus.NEWS]) == 0.0


def test_the_authors_formula_takes_their_own_direction() -> None:
    assert muse_privleak(0.0, MUSE_RETRAIN_AUC[Corpus.BOOKS]) == -100
    assert muse_privleak(0.6, 0.4) == pytest.approx(50, rel=1e-12)


def test_the_published_reference_aucs() -> None:
    assert {corpus: round(value, 4) for corpus, value in MUSE_RETRAIN_AUC.items()} == {
        Corpus.NEWS: 0.4772,
        Corpus.BOOKS: 0.5393,
    }
