from __future__ import annotations

import pytest

from eval.metrics.rouge import rouge, rouge_words_recall


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


def test_case_counts() -> None:
    assert rouge_words_recall("the Golden Snitch", "The Golden Snitch") == pytest.approx(2 / 3, rel=1e-12)


def test_a_full_stop_ends_a_sentence_and_is_no_part_of_a_word() -> None:
    assert rouge_words_recall("actor", "actor.") == 1.0


def test_a_comma_is_part_of_its_word() -> None:
    assert rouge_words_recall("Oslo", "Oslo, Norway") == 0.0


def test_repeated_words_count_once() -> None:
    assert rouge_words_recall("no no no yes", "no") == 0.5


def test_order_counts_within_a_sentence() -> None:
    assert rouge_words_recall("a b", "b a") == 0.5


def test_the_words_found_by_all_sentences_are_united() -> None:
    # The package's own example: c1 finds w1 w2, c2 finds w1 w3 w5; together 4 of 5.
    assert rouge_words_recall("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8.w1 w3 w8 w9 w5") == pytest.approx(0.8, rel=1e-12)


def test_of_two_longest_subsequences_the_packages_own_is_taken() -> None:
    # "a b" and "b a" share either word; the package finds b, so another sentence can still add a.
    assert rouge_words_recall("a b", "b a.a c") == 1.0
    assert rouge_words_recall("b a", "a b.b c") == 1.0
    assert rouge_words_recall("a b", "b a.b c") == 0.5


def test_a_part_of_white_space_is_an_empty_word() -> None:
    assert rouge_words_recall("actor. ", "actor") == 0.5


@pytest.mark.parametrize("hypothesis", ["", "...", "."])
def test_a_text_without_a_sentence_cannot_be_scored(hypothesis: str) -> None:
    with pytest.raises(ValueError, match="without a sentence"):
        rouge_words_recall("actor", hypothesis)
