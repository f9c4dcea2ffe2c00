from __future__ import annotations

import pytest

from guard.evidence.known_names import known_names
from guard.targets.target import Draft, Kind


def why(*names: str) -> list[str]:
    return [known.why for known in known_names(Draft(name=names[0], aliases=names[1:]))]


@pytest.mark.parametrize("name", ["München", "PORTUGAL", "京都", "Новосибирск"])
def test_a_place_is_a_namesake(name: str) -> None:
    assert why(name) == ["also a place or another thing that everybody knows"]


def test_a_given_name_alone_and_two_common_names_are_those_of_others() -> None:
    assert why("Ottoline Vexmoor", "Ada") == ["also a given name"]
    assert why("James Smith") == ["also the name of other people: all of its words are common"]


@pytest.mark.parametrize("name", ["Ilsabet Quorne", "Ada Quillwick", "The Tin Harbour of Sallowmere"])
def test_a_rare_name_has_no_known_namesake(name: str) -> None:
    assert why(name) == []


def test_no_warning_is_given_where_namesakes_are_told_apart() -> None:
    assert [*known_names(Draft(name="James Smith", distinguish=("the baker",)))] == []
    assert [*known_names(Draft(name="James", kind=Kind.SECRET))] == []


@pytest.mark.parametrize(
    ("phrase", "why"),
    [
        ("United States", ["also a place or another thing that everybody knows"]),
        ("The New York", ["also a place or another thing that everybody knows"]),
        ("1984", ["also years, counts and other numbers of ordinary text"]),
        ("James Smith", ["also the name of other people: all of its words are common"]),
        ("Tide Ledger Prize", []),
        ("447199", []),
    ],
)
def test_a_given_phrase_that_everybody_knows_is_named(phrase: str, why: list[str]) -> None:
    draft = Draft(name="Sable Tide", kind=Kind.TOPIC, phrases=(phrase,), distinguish=("the river",))
    assert [known.why for known in known_names(draft)] == why
