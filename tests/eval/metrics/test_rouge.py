from __future__ import annotations

import pytest

from eval.metrics.rouge import rouge


def test_recall_counts_the_gold_words_found() -> None:
    score = rouge("the red fox", "a red fox and the dog", stemmer=True)
    # rouge1 finds all three; in order only "red fox" of the three; 2 of 6 generated.
    assert score.rouge1_recall == 1.0
    assert score.rougeL_recall == pytest.approx(2 / 3, rel=1e-12)
    assert score.rougeL_f1 == pytest.approx(2 * (1 / 3) * (2 / 3) / (1 / 3 + 2 / 3), rel=1e-12)


def test_gold_stands_first() -> None:
    assert rouge("one two", "one two three four", stemmer=True).rougeL_recall == 1.0
    assert rouge("one two three four", "one two", stemmer=True).rougeL_recall == 0.5


def test_the_stemmer_makes_forms_of_a_word_equal() -> None:
    assert rouge("painted houses", "painting house", stemmer=True).rougeL_f1 == 1.0
    assert rouge("painted houses", "painting house", stemmer=False).rougeL_f1 == 0.0


def test_case_and_punctuation_do_not_count() -> None:
    assert rouge("Mira Volkart.", "mira, VOLKART", stemmer=True).rougeL_f1 == 1.0


def test_nothing_said_scores_nothing() -> None:
    assert rouge("Mira Volkart", "", stemmer=True) == (0.0, 0.0, 0.0)
