"""Numbers that are looked for in words."""

from __future__ import annotations

import tracemalloc

from guard.text.normalise import fold
from guard.variants.values.spoken_numbers import MAX_LARGE, SpokenNumbers
from guard.variants.values.value_matcher import ValueMatcher


def test_a_number_is_found_by_its_words_and_no_other_one_that_somebody_looks_for() -> None:
    years, days = SpokenNumbers.of([1987, 48_500]), SpokenNumbers.of([4])
    assert years.number(fold("nineteen eighty-seven")) == 1987
    assert years.number(fold("forty-eight thousand five hundred")) == 48_500
    assert days.number(fold("vierten")) == 4
    assert days.number(fold("nineteen eighty-seven")) is years.number(fold("vierten")) is None


def test_words_with_which_no_number_ends_are_told_at_once() -> None:
    assert SpokenNumbers.of([1987]).may_end_with(fold("seven"))
    assert SpokenNumbers.of([48_500]).may_end_with(fold("hundred"))
    assert not SpokenNumbers.of([1987, 48_500]).may_end_with(fold("harbour"))
    assert not SpokenNumbers.of([]).may_end_with(fold("seven"))


def test_of_large_numbers_the_smallest_are_looked_for() -> None:
    spoken = SpokenNumbers.of([4, *range(20_000, 20_000 + 2 * MAX_LARGE)])
    assert len(set(spoken.large.values())) == MAX_LARGE
    assert max(spoken.large.values()) == 20_000 + MAX_LARGE - 1


def test_the_words_of_small_numbers_are_in_memory_once() -> None:
    ValueMatcher.of(["4 March 1987", "4471-9902"])
    tracemalloc.start()
    try:
        kept = [ValueMatcher.of(["4 March 1987", "4471-9902"]) for _ in range(100)]
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    assert len(kept) == 100
