from __future__ import annotations

import math

import pytest

from eval.core.cell import Cell, cell, shown


@pytest.mark.parametrize(
    ("number", "text"), [(0.5, "0.500"), (0.0, "0.000"), (1.23e-21, "1.23e-21"), (-100.0, "-100.000")]
)
def test_numbers_are_shown_so_that_none_hides(number: float, text: str) -> None:
    assert shown(number) == text


@pytest.mark.parametrize(("value", "reason"), [(math.nan, "undefined: why"), (math.inf, "infinite: why")])
def test_what_is_no_number_becomes_a_reason(value: float, reason: str) -> None:
    assert cell(lambda: value, "why") == Cell(None, reason)
