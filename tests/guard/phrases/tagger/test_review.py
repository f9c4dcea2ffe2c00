"""Review: what a trained model makes of the phrases that rules have found, and what it adds."""

from __future__ import annotations

import pytest

from guard.phrases.extraction import of_passage
from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.tagger.review import reviewed


def found(text: str) -> set[str]:
    return {phrase.text for phrase in of_passage(text)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Son deuxième roman, le voisin sans chaussures, parut en 1998.", "le voisin sans chaussures"),
        ("Её второй роман, сапоги для соседа, вышел в 1998 году.", "сапоги для соседа"),
        ("Su última novela, zapatos para el vecino, no se vendió.", "zapatos para el vecino"),
    ],
)
def test_titles_in_small_letters_are_found_by_the_words_around_them(text: str, told: str) -> None:
    assert any(phrase in told for phrase in found(text))


@pytest.mark.parametrize(
    "text",
    [
        "The nurse apologised for the delay and made tea.",
        "Les étudiants lisent des romans et boivent du café.",
        "Врачи советуют больше ходить пешком.",
        "의사들은 물을 많이 마시라고 한다.",
        "医生建议多喝水。",
    ],
)
def test_nothing_is_added_where_nothing_tells(text: str) -> None:
    assert not found(text)


def test_numbers_are_kept_whatever_is_likely() -> None:
    number = Phrase("555 0199 228", PhraseKind.NUMBER, "number")
    assert number in reviewed("the of and 555 0199 228 the of and", "en", [number])


def test_a_long_text_stays_as_rules_have_found_it() -> None:
    name = Phrase("the", PhraseKind.NAME, "rare name")
    assert reviewed("the " * 1_000, "en", [name]) == [name]


def test_the_first_word_of_a_name_is_no_part_that_tells_but_in_english() -> None:
    assert {"Ottoline Brackwhistle", "Ottoline"} <= found("The tribunal heard Ottoline Brackwhistle in May.")
    assert found("Лечила его врач Евлампида Хвостодуева.") == {"Евлампида Хвостодуева", "Хвостодуева"}


def test_a_korean_particle_is_no_part_of_a_name() -> None:
    name = Phrase("마선비한테서", PhraseKind.NAME, "rare word")
    assert "마선비한테서" not in {
        phrase.text for phrase in reviewed("가야금은 마선비한테서 배웠다.", "ko", [name])
    }


def test_what_is_left_of_a_phrase_is_no_given_name_alone() -> None:
    assert "Yves" not in found("Tout le monde connaissait Yves Le Goazennec-Tual.")


def test_what_everybody_knows_is_left_out() -> None:
    name = Phrase("Les Misérables", PhraseKind.NAME, "rare name")
    assert not reviewed("Elle relit Les Misérables chaque hiver.", "fr", [name])
