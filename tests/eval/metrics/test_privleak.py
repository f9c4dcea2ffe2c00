from __future__ import annotations

import pytest

from eval.metrics.membership import MUSE_RETRAIN_AUC, Corpus, muse_privleak, privleak


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
