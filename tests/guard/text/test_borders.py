from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.text.borders import BORDER, crosses_borders, fold_with_borders, needs_border, words_between_borders
from guard.text.normalise import fold


@given(st.text(max_size=20), st.text(max_size=20))
def test_code_points_are_read_independently(one: str, other: str) -> None:
    assert fold_with_borders(one + other) == fold_with_borders(one) + fold_with_borders(other)


@given(st.text(max_size=30))
def test_without_its_borders_a_text_reads_as_a_part_of_its_fold(text: str) -> None:
    letters = iter(fold(text))
    assert all(letter in letters for letter in fold_with_borders(text).replace(BORDER, ""))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Éve's friend", ("eve", "s", "friend")),
        ("E\u0301ve\u200bning", ("evening",)),
        ("Li-Na_(Wu), 1998", ("li", "na", "wu")),
        ("Eveさん Eve2", ("eve", "eve")),
        ("**E**ve *Li*nd", ("eve", "lind")),
        ("Ян и Ева", tuple(map(fold, ("Ян", "и", "Ева")))),
    ],
)
def test_words_stand_between_borders(text: str, words: tuple[str, ...]) -> None:
    assert words_between_borders(text) == words


@pytest.mark.parametrize(
    "phrase",
    [
        *(
            "Eve",
            "Li Na",
            "Des Kin",
            "Ada",
            "Anna K",
            "Ina",
            "Ann",
            "Art Hur",
            "Wren",
            "Sade",
            "Ева",
            "Ян",
        ),
        *("Kim", "Ana Lee", "Nora", "Ali", "Tom", "Mia", "Ron Ald"),
    ],
)
def test_short_names_that_ordinary_text_contains_need_borders(phrase: str) -> None:
    assert needs_border(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        *(
            "Sallowmere",
            "Kembarra",
            "Serafina",
            "Ilsabet Quorne",
            "Basil Romerto",
            "Harry Norton",
            "Tarn Hollow",
            "Orla Venn",
            "Zhou Wei",
            "Aysha",
        ),
        *("K7-ZX-44", "1998", "hunter2", "張偉國", "さくら", "ראש", "UNHCR", "Melodies of Mercy"),
    ],
)
def test_rare_names_and_other_scripts_are_not_between_borders_only(phrase: str) -> None:
    assert not needs_border(phrase)


def test_a_name_that_two_words_contain_and_no_single_one_is_found_within_words() -> None:
    assert crosses_borders("Aysha")
    assert crosses_borders("AYSHA,")
    rare, inside, of_two_words, short = "Sallowmere", "Steve", "Li Na", "Eve"
    assert not any(map(crosses_borders, (rare, inside, of_two_words, short, "1998", "張偉國", "")))
