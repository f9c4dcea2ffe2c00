from __future__ import annotations

import pytest

from guard.text.folded_dates import is_day_and_month, tens_before
from guard.text.normalise import fold


@pytest.mark.parametrize(
    "text", ["13 July", "July 13", "13th of July", "July the 13th", "1er août", "13 de mayo", "3. Mai"]
)
def test_a_day_with_its_month(text: str) -> None:
    assert is_day_and_month(fold(text))


@pytest.mark.parametrize(
    "text", ["July", "13", "X12", "7 I", "13 July 1948", "13 Julian", "Maren 13", "July 1948"]
)
def test_what_is_no_day_with_its_month(text: str) -> None:
    assert not is_day_and_month(fold(text))


@pytest.mark.parametrize(
    ("text", "tens"),
    [
        ("4 May 1961", "12"),
        ("1 May 1961", "123"),
        ("1st of May 1961", "123"),
        ("9 de mayo de 1961", "12"),
        ("7 mars", "12"),
        ("4 III 1987", "12"),
        ("4 XL 1987", ""),
        ("14 May 1961", ""),
        ("May 4, 1961", ""),
        ("4 Mayfield Road", ""),
        ("4051961", ""),
    ],
)
def test_what_makes_another_date_of_a_day_of_one_digit(text: str, tens: str) -> None:
    assert tens_before(fold(text)) == tens
