from __future__ import annotations

import pytest

from guard.text.words import words_of


@pytest.mark.parametrize(
    ("text", "words"),
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
def test_words_are_what_is_between_separators(text: str, words: list[str]) -> None:
    found = words_of(text)
    assert [word.text for word in found] == words
    assert all(text[word.start : word.end] == word.text for word in found)
