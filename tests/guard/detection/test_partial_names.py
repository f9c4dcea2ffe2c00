from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from guard.detection.partial_names import (
    BOTH_ENDS_WEIGHT,
    FIRST_WORD_WEIGHT,
    INITIAL_WEIGHT,
    LAST_WORD_WEIGHT,
    PartialNames,
    name_ends,
)


def finder(names: Mapping[str, Sequence[str]]) -> PartialNames:
    return PartialNames.build({target: name_ends(given) for target, given in names.items()})


VENN = finder({"venn": ["Orla Maria Vennström"], "king": ["Tam King"]})


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("Vennstrom's second book", LAST_WORD_WEIGHT),
        ("ask VENNSTRÖM", LAST_WORD_WEIGHT),
        ("what does Orla do?", FIRST_WORD_WEIGHT),
        ("O. Vennström", INITIAL_WEIGHT),
        ("O Vennström", INITIAL_WEIGHT),
        ("Vennström, Orla", BOTH_ENDS_WEIGHT),
        ("Orla Vennström", BOTH_ENDS_WEIGHT),
        ("Orla M. van Vennström", BOTH_ENDS_WEIGHT),
        ("Orla went home and met Vennström", LAST_WORD_WEIGHT),
    ],
)
def test_a_larger_part_of_a_name_is_more_telling(text: str, weight: float) -> None:
    assert VENN.found(text) == {"venn": weight}


@pytest.mark.parametrize("text", ["nobody", "", "Orlando", "Vennströmian", "the King sat", "K. King"])
def test_a_part_of_a_word_or_a_common_word_finds_nothing(text: str) -> None:
    assert VENN.found(text) == {}


@pytest.mark.parametrize("text", ["Elsie Vennström", "Orla Dross", "asked Elsie Maria Vennström's"])
def test_a_part_next_to_another_name_is_somebody_else(text: str) -> None:
    assert VENN.found(text) == {}


@pytest.mark.parametrize("text", ["Dr. Vennström", "Has Vennström won?", "elsie vennström"])
def test_a_title_or_a_common_word_next_to_it_changes_nothing(text: str) -> None:
    assert VENN.found(text) == {"venn": LAST_WORD_WEIGHT}


def test_a_common_surname_is_telling_next_to_the_given_name() -> None:
    assert VENN.found("Tam B. King")["king"] == BOTH_ENDS_WEIGHT


def test_a_word_of_many_targets_finds_none() -> None:
    few = finder({f"{n}": [f"Orla Venn{letter}"] for n, letter in enumerate("abc")})
    many = finder({f"{n}": [f"Orla Venn{letter}"] for n, letter in enumerate("abcd")})
    assert few.found("Orla") == {"0": FIRST_WORD_WEIGHT, "1": FIRST_WORD_WEIGHT, "2": FIRST_WORD_WEIGHT}
    assert many.found("Orla") == {}
    assert many.found("Vennd") == {"3": LAST_WORD_WEIGHT}


def test_a_name_of_one_word_has_no_parts() -> None:
    assert finder({"a": ["Voltaire"]}).found("Voltaire") == {}


TOM = finder({"tom": ["Tom Vennström"], "elizabeth": ["Elizabeth Marwickle"]})


@pytest.mark.parametrize(
    "text", ["Thomas Vennström", "Thomas William Vennström was born", "Tommy", "Vennström, Tom"]
)
def test_a_given_name_in_its_full_form_is_the_same_given_name(text: str) -> None:
    assert TOM.found(text) == ({} if text == "Tommy" else {"tom": BOTH_ENDS_WEIGHT})


@pytest.mark.parametrize("text", ["Liz Marwickle", "Beth Anna Marwickle"])
def test_so_is_its_short_form(text: str) -> None:
    assert TOM.found(text) == {"elizabeth": BOTH_ENDS_WEIGHT}


@pytest.mark.parametrize("text", ["Robert Vennström", "Theresa Vennström", "Lisa Marwickle"])
def test_another_given_name_is_another_person(text: str) -> None:
    assert TOM.found(text) == {}


@pytest.mark.parametrize(
    "text",
    ["Elsie Vennström won. When was Vennström born?", "When Vennström left, Elsie Vennström stayed."],
)
def test_the_surname_alone_is_that_of_whoever_the_text_names(text: str) -> None:
    assert VENN.found(text) == {}


@pytest.mark.parametrize("text", ["Elsie Vennström met Orla Vennström", "Orla Vennström and Elsie Vennström"])
def test_but_not_if_it_names_the_target_too(text: str) -> None:
    assert VENN.found(text) == {"venn": BOTH_ENDS_WEIGHT}


def test_a_surname_of_four_tells_once_one_of_them_has_ended() -> None:
    names = finder({id: ["Pell Dross"] for id in "abcd"})
    assert names.found("Ms. Dross") == {}
    assert names.found("Ms. Dross", frozenset("a")).keys() == {"b", "c", "d"}
