from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.text.normalise import fold
from guard.text.spellings import spellings


def finds(name: str, text: str) -> bool:
    return bool(Automaton.compile(spellings(name)).matches(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jürgen Wöhrnle-Trapp", "Juergen Woehrnle-Trapp"),
        ("Jürgen Wöhrnle-Trapp", "Juergen Wöhrnle-Trapp"),
        ("Greta Müllreich", "GRETA MUELLREICH"),
        ("Müllreich", "Muellreich"),
        ("Søren Ågårdsen", "Soeren Aagaardsen"),
        ("Đorđe Quandić", "Djordje Quandic"),
        ("Käthe Strößner", "Kaethe Stroessner"),
        ("Åse Bjørkdal", "Aase Bjoerkdal"),
        ("Günter Äsling", "Guenter Aesling"),
    ],
)
def test_letters_written_out_are_found_both_ways(one: str, other: str) -> None:
    assert finds(one, f"Wer ist {other}?")
    assert finds(other, f"Wer ist {one}?")


@pytest.mark.parametrize(
    "name", ["Michael", "Samuel", "Joel", "Chloe", "Sue", "Nadja", "Bauer", "Queen", "True Blue", "Oslo", "Zoë"]
)
def test_ordinary_pairs_of_letters_stay(name: str) -> None:
    assert spellings(name) == (name,)


@given(st.text(max_size=40))
def test_spellings_begin_with_the_text_and_fold_differently(text: str) -> None:
    spelt = spellings(text)
    assert spelt[0] == text
    assert len({fold(spelling) for spelling in spelt}) == len(spelt)


def test_the_number_of_spellings_is_bounded() -> None:
    assert len(spellings("Jürgen Müllreich " * 50)) <= 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1990", "१९९०"),
        ("२०४५", "2045"),
        ("020 7946", "٠٢٠ ٧٩٤٦"),
        ("๐๘๑ ๒๓๔", "081 234"),
        ("Xylo-90", "Xylo-9০"),
    ],
)
def test_numbers_are_found_in_the_digits_of_every_script(one: str, other: str) -> None:
    assert finds(one, f"({other})")
    assert finds(other, f"({one})")


@pytest.mark.parametrize("text", ["20", "H20", "000", "Oslo"])
def test_a_zero_is_no_o_where_that_would_be_a_word(text: str) -> None:
    assert spellings(text) == (text,)


@pytest.mark.parametrize(
    "text", ["\uac15\ubbfc\uc900", "\uac00\u11bc\ubbf8\u11ab\uc8fc\u11ab", "\uac15\ubbf8\u11ab\uc900"]
)
def test_hangul_is_found_with_its_final_consonants_as_letters_of_their_own(text: str) -> None:
    assert fold(text) in set(map(fold, spellings("강민준")))
    assert fold(text) not in set(map(fold, spellings("강미준")))
