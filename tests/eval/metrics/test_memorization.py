from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.memorization import exact_memorization, extraction_strength


def test_the_last_label_does_not_count() -> None:
    assert exact_memorization([1, 2, 9, 0], [1, 2, 3, 4]) == pytest.approx(2 / 3, rel=1e-12)
    assert exact_memorization([1, 2, 3, 0], [1, 2, 3, 4]) == 1.0
    assert extraction_strength([1, 2, 3, 0], [1, 2, 3, 4]) == 1.0


def test_a_sample_without_labels_is_no_sample_for_one_and_zero_for_the_other() -> None:
    assert exact_memorization([5], [5]) is None
    assert exact_memorization([], []) is None
    assert extraction_strength([5], [5]) == 0.0


def test_strength_is_the_longest_suffix_that_is_predicted() -> None:
    assert extraction_strength([0, 2, 3, 4, 0], [1, 2, 3, 4, 5]) == 0.75
    assert extraction_strength([1, 0, 3, 4, 0], [1, 2, 3, 4, 5]) == 0.5


def test_strength_has_a_floor_of_one_label() -> None:
    assert extraction_strength([0] * 127, list(range(1, 128))) == pytest.approx(1 / 126, rel=1e-12)
    assert extraction_strength([1, 2, 0, 9], [1, 2, 3, 9]) == pytest.approx(1 / 3, rel=1e-12)


def test_predictions_and_labels_must_pair() -> None:
    with pytest.raises(ValueError, match="one predicted token"):
        exact_memorization([1], [1, 2])


tokens = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=12)


@given(tokens)
def test_strength_is_what_the_references_search_finds(pairs: list[tuple[int, int]]) -> None:
    predicted, labels = [p for p, _ in pairs], [label for _, label in pairs]
    kept = len(pairs) - 1
    for prefix in range(kept):
        if predicted[prefix:kept] == labels[prefix:kept]:
            break
    assert extraction_strength(predicted, labels) == 1 - prefix / kept
