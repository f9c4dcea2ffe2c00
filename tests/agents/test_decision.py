from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.decision import BEST, overrule_ratings, select_best

RATED = st.lists(st.tuples(st.text(max_size=3), st.integers(1, 5)), min_size=BEST, max_size=8)


def test_the_best_three_come_by_rating_and_the_earlier_first_among_equals() -> None:
    chosen = select_best("abcde", (4, 5, 3, 4, 5))
    assert chosen == (("b", "e", "a"), 14 / 3)


@pytest.mark.parametrize("count", range(BEST))
def test_fewer_than_three_are_no_selection(count: int) -> None:
    assert select_best("ab"[:count], (5, 5)[:count]) is None


def test_texts_and_ratings_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        select_best("abc", (5, 5, 5, 5))


@given(RATED)
def test_no_other_three_have_a_higher_mean(rated: list[tuple[str, int]]) -> None:
    chosen = select_best([text for text, _ in rated], [rating for _, rating in rated])
    assert chosen is not None
    assert chosen.mean == pytest.approx(sum(sorted(rating for _, rating in rated)[-BEST:]) / BEST)


def test_the_audit_overrules_a_rating_and_never_raises_one() -> None:
    assert overrule_ratings((5, 4, 1), (True, False, False)) == (1, 4, 1)
