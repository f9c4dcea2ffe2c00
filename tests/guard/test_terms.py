from __future__ import annotations

import pytest

from guard.terms import Rewind, Terms

A, B = "a" * 64, "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("automata", "terms"),
    [
        ("", Terms("7")),
        ("closed", Terms("7", closed=True)),
        (A, Terms("7", (A,))),
        (f"{A},{B}", Terms("7", (A, B))),
        (",".join([A] * 32), Terms("7", (A,) * 32)),
    ],
)
def test_terms_as_the_data_plane_writes_them(automata: str, terms: Terms) -> None:
    assert Terms.read({"lethe_policy": "7", "lethe_automata": automata, "other": 1}) == terms


def test_how_a_row_may_give_itself_up() -> None:
    given = {"lethe_policy": "7", "lethe_automata": A, "lethe_rewind": 3}
    assert Terms.read(given).rewind == Rewind(3)
    assert Terms.read({**given, "lethe_avoided": ""}).rewind == Rewind(3)
    assert Terms.read({**given, "lethe_avoided": "12,5"}).rewind == Rewind(3, (12, 5))


@pytest.mark.parametrize(
    "given",
    [
        *({"lethe_rewind": token} for token in (-1, "3", 3.0, True)),
        *({"lethe_rewind": 3, "lethe_avoided": ids} for ids in (",", "1,", "1 2", "-1", [1], "1" * 10, "1\n")),
    ],
)
def test_no_other_way_to_give_a_row_up_is_taken(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Terms.read({"lethe_policy": "7", "lethe_automata": A, **given})


@pytest.mark.parametrize(
    "extra_args",
    [
        None,
        {},
        {"lethe_automata": ""},
        {"lethe_policy": "", "lethe_automata": ""},
        {"lethe_policy": 7, "lethe_automata": ""},
        {"lethe_policy": "7" * 65, "lethe_automata": ""},
        {"lethe_policy": "7"},
        {"lethe_policy": "7", "lethe_automata": [A]},
        {"lethe_policy": "7", "lethe_automata": "a"},
        {"lethe_policy": "7", "lethe_automata": A.upper()},
        {"lethe_policy": "7", "lethe_automata": f"{A},"},
        {"lethe_policy": "7", "lethe_automata": f"{A},closed"},
        {"lethe_policy": "7", "lethe_automata": f"../{A[3:]}"},
        {"lethe_policy": "7", "lethe_automata": A + "\n"},
        {"lethe_policy": "7", "lethe_automata": ",".join([A] * 33)},
    ],
)
def test_anything_else_is_refused(extra_args: dict[str, object] | None) -> None:
    with pytest.raises(ValueError, match="must be"):
        Terms.read(extra_args)
