from __future__ import annotations

import pytest

from guard.matching.automaton import Automaton
from guard.targets.phrases import forbidden, names_of, variants
from guard.targets.target import Draft, Kind
from guard.variants.romanisation import romanised
from guard.variants.variant import Variants


def forbids(name: str, text: str) -> bool:
    draft = Draft(name=name)
    return bool(Automaton.forbidding((*forbidden(draft), *(one.text for one in variants(draft)))).matches(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Иван Квёрнов", "Ivan Kvernov"),
        ("Иван Квёрнов", "Mr Kvyornov"),
        ("Дарья Сомовицкая", "Darya Somovitskaya"),
        ("Дарья Сомовицкая", "DARIA SOMOVITSKAIA"[:5] + " Somovitskaia"),
        ("Аркадий Щербелевский", "Arkady Shcherbelevsky"),
        ("Аркадий Щербелевский", "Shcherbelevskiy"),
        ("Юлия Петровна Жук", "Yulia Petrovna Zhuk"),
        ("Юлия Петровна Жук", "Zhuk, Yuliya Petrovna"),
        ("Олена Ґалєвич", "Olena Galyevich"),
        ("Γιώργος Καλβουρίδης", "Giorgos Kalvouridis"),
        ("Χρήστος Μπαρνάκης", "Christos Barnakis"),
        ("Χρήστος Μπαρνάκης", "Hristos Barnakis"),
    ],
)
def test_a_name_is_forbidden_in_latin_letters(name: str, text: str) -> None:
    assert forbids(name, f"We met {text} there.")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Иван Квёрнов", "Ivan came."),
        ("Юлия Жук", "Yulia met a zhuk"),
        ("Анна Иванова", "Ivanova"),
        ("Роман Роза", "a Roman rose"),
    ],
)
def test_a_part_that_others_have_is_not(name: str, text: str) -> None:
    assert not forbids(name, text)


def test_the_detector_knows_the_name_in_latin_letters_unless_no_variants_are_wanted() -> None:
    assert "Ivan Kvernov" in names_of(Draft(name="Иван Квёрнов"))
    assert names_of(Draft(name="Иван Квёрнов", variants=Variants.NONE)) == ("Иван Квёрнов",)
    assert "Steklyannaya Gavan" not in names_of(Draft(name="Стеклянная гавань", kind=Kind.WORK))


@pytest.mark.parametrize("name", ["Ilsabet Quorne", "陈沐霖", "김유나", "محمد الزوراني", "", "12", "- -"])
def test_other_scripts_have_no_such_spelling(name: str) -> None:
    assert romanised(name) == ()
