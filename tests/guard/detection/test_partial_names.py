from __future__ import annotations

import pytest

from guard.detection.partial_names import BOTH_ENDS, FIRST, INITIAL, LAST, PartialNames

VENN = PartialNames.build({"venn": ["Orla Maria Vennström"], "king": ["Tam King"]})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Vennstrom's second book", LAST),
        ("ask VENNSTRÖM", LAST),
        ("what does Orla do?", FIRST),
        ("O. Vennström", INITIAL),
        ("O Vennström", INITIAL),
        ("Vennström, Orla", BOTH_ENDS),
        ("Orla Vennström", BOTH_ENDS),
        ("Orla M. van Vennström", BOTH_ENDS),
        ("Orla went home and met Vennström", LAST),
    ],
)
def test_a_part_of_a_name_tells_the_more_the_more_there_is(text: str, told: float) -> None:
    assert VENN.found(text) == {"venn": told}


@pytest.mark.parametrize("text", ["nobody", "", "Orlando", "Vennströmian", "the King sat", "K. King"])
def test_a_part_of_a_word_or_a_common_word_tells_nothing(text: str) -> None:
    assert VENN.found(text) == {}


@pytest.mark.parametrize("text", ["Elsie Vennström", "Orla Dross", "asked Elsie Maria Vennström's"])
def test_a_part_beside_another_name_is_somebody_else(text: str) -> None:
    assert VENN.found(text) == {}


@pytest.mark.parametrize("text", ["Dr. Vennström", "Has Vennström won?", "elsie vennström"])
def test_a_title_or_a_common_word_beside_it_changes_nothing(text: str) -> None:
    assert VENN.found(text) == {"venn": LAST}


def test_a_common_surname_tells_beside_the_given_name() -> None:
    assert VENN.found("Tam B. King")["king"] == BOTH_ENDS


def test_a_word_that_many_targets_bear_tells_of_none() -> None:
    few = PartialNames.build({f"{n}": [f"Orla Venn{letter}"] for n, letter in enumerate("abc")})
    many = PartialNames.build({f"{n}": [f"Orla Venn{letter}"] for n, letter in enumerate("abcd")})
    assert few.found("Orla") == {"0": FIRST, "1": FIRST, "2": FIRST}
    assert many.found("Orla") == {}
    assert many.found("Vennd") == {"3": LAST}


def test_a_name_of_one_word_has_no_parts() -> None:
    assert PartialNames.build({"a": ["Voltaire"]}).found("Voltaire") == {}
