from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.surrogates.words import MIN_LETTERS, surrogate
from guard.text.english import is_common
from guard.text.lexicon import given_names
from guard.text.normalise import fold


@pytest.mark.parametrize("word", ["Quarnwick", "Orla", "schwarzen", "MÜLLER", "Łukasz", "Tvergastein", "Yrsa"])
def test_a_word_in_latin_letters_keeps_its_length_and_its_vowels(word: str) -> None:
    found = surrogate(word, "key")
    assert found.isascii()
    assert found.islower()
    assert len(found) == len(fold(word))
    assert fold(word) != found


@pytest.mark.parametrize(
    "word", ["Чехов", "Παππάς", "村上春樹", "김철수", "محمد", "נתן", "नरेन्द्र", "さくら", "ป้อม"]
)
def test_a_word_of_another_script_stays_in_it(word: str) -> None:
    found = surrogate(word, "key")
    assert len(found) == len(word)
    assert found != word.lower()
    assert not found.isascii()


@pytest.mark.parametrize("word", ["Li", "Xu", "Бо", "O"])
def test_a_short_word_becomes_one_that_no_answer_says_by_chance(word: str) -> None:
    found = filter(None, (surrogate(word, "key", attempt) for attempt in range(8)))
    assert set(map(len, found)) == {MIN_LETTERS}


@pytest.mark.parametrize("word", ["K7", "1984", "", "ᚠᚢ", "-"])
def test_numbers_codes_and_unknown_scripts_have_none(word: str) -> None:
    assert surrogate(word, "key") == ""


def test_it_is_the_same_for_one_key_and_another_for_another() -> None:
    assert surrogate("Quarnwick", "a") == surrogate("QUARNWICK", "a")
    assert len({surrogate("Quarnwick", key, attempt) for key in "abcd" for attempt in range(4)}) > 12


@pytest.mark.parametrize(
    ("word", "letters"),
    [("Quarnwick", 9), ("Carmen", 6), ("Li", 4), ("Anaïs", 5), ("Орлов", 5), ("Νίκος", 5), ("نورا", 4)],
)
def test_a_word_of_a_name_becomes_a_given_name_of_its_script(word: str, letters: int) -> None:
    found = surrogate(word, "key", is_name=True)
    assert found in given_names()
    assert (len(found), found.isascii()) == (letters, word[0].isascii())
    assert (found[-1] in "aeiou") == (fold(word)[-1] in "aeiou") or not found.isascii()
    assert not is_common(found)


def test_a_word_of_a_name_is_invented_where_no_given_name_has_its_shape() -> None:
    assert surrogate("Schwarzeneggerovsky", "key", is_name=True)
    assert surrogate("村上春樹", "key", is_name=True)


@given(st.text(max_size=20), st.integers(0, 3))
def test_any_word_has_one_or_none(word: str, attempt: int) -> None:
    found = surrogate(word, "key", attempt)
    assert found == found.lower()
    assert all(not char.isspace() for char in found) or any(map(str.isspace, word))
