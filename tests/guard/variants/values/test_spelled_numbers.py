"""Numbers in words, by the rules of Unicode's CLDR."""

from __future__ import annotations

import pytest

from guard.text.normalise import fold
from guard.variants.values.spelled_numbers import MAX_SPELLED, MIN_OTHER_CHARS, MIN_WORD_CHARS, spelled


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1987, "neunzehnhundertsiebenundachtzig"),
        (1987, "nineteen eighty-seven"),
        (1987, "one thousand nine hundred and eighty-seven"),
        (1987, "mil neuf cent quatre-vingt-sept"),
        (1987, "тысяча девятьсот восемьдесят седьмого"),
        (1987, "昭和六十二"),
        (1987, "MCMLXXXVII"),
        (2006, "two thousand six"),
        (2006, "平成18"),
        (4, "vierten"),
        (4, "quatrième"),
        (23, "dreiundzwanzigste"),
        (12_000_000_000, "12 billion"),
    ],
)
def test_a_number_in_words(number: int, words: str) -> None:
    assert fold(words) in spelled(number)


@pytest.mark.parametrize(
    ("number", "word"), [(10, "on"), (11, "once"), (4, "four hundred"), (999, "999"), (9, "IX")]
)
def test_no_word_of_another_meaning(number: int, word: str) -> None:
    assert fold(word) not in spelled(number)


def test_short_words_are_left_out() -> None:
    forms = [form for number in range(1, 32) for form in spelled(number)]
    assert all(len(form) >= (MIN_WORD_CHARS if form.isascii() else MIN_OTHER_CHARS) for form in forms)


def test_a_number_that_is_too_large_has_no_words() -> None:
    assert spelled(MAX_SPELLED)
    assert not spelled(MAX_SPELLED + 1)
    assert not spelled(-1)
