from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.text import words
from guard.text.words import word_texts, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The tide, at last, came in.", ["The", "tide", "at", "last", "came", "in"]),
        ("the well-known keeper's o'clock", ["the", "well-known", "keeper", "o'clock"]),
        ("雨が止む", ["雨", "が", "止", "む"]),
        ("𠮷野", ["𠮷", "野"]),
        ("राम मोहन, शर्मा।", ["राम", "मोहन", "शर्मा"]),
        ("عَلِيّ كريم", ["عَلِيّ", "كريم"]),
        ("மீனா e\u0301te\u0301", ["மீனா", "e\u0301te\u0301"]),
        (" - !", []),
    ],
)
def test_words_are_what_is_between_separators(text: str, expected: list[str]) -> None:
    found = words_of(text)
    assert [word.text for word in found] == expected
    assert all(text[word.start : word.end] == word.text for word in found)


@given(st.text(st.sampled_from("ab'-_1sS. \n")))
def test_the_words_of_ascii_are_those_of_any_text(text: str) -> None:
    assert words._ASCII_WORD.findall(text) == words._WORD.findall(text)


@given(st.text(st.sampled_from("ab'’-_1sSé雨. ")))
def test_the_texts_of_words_are_found_alone(text: str) -> None:
    assert word_texts(text) == [word.text for word in words_of(text)]
