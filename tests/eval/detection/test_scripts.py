"""Names in other scripts, measured on cities of time zones."""

from __future__ import annotations

import pytest

from eval.detection.scripts import HELD_OUT, MADE_WITH, cities, markdown, measure_scripts


@pytest.mark.parametrize("language", [*MADE_WITH, *HELD_OUT])
def test_every_language_has_cities_in_its_own_script(language: str) -> None:
    known = cities(language)
    assert len(known) > 150
    assert all(not city.other.isascii() and city.english.isalpha() for city in known)


def test_a_row_for_each_language_with_both_shares() -> None:
    rows = measure_scripts(100)
    assert [row.language for row in rows] == [*MADE_WITH, *HELD_OUT]
    assert all(row.found > 0.3 and row.mistaken < 0.1 and (row.alarmed or 0) < 0.1 for row in rows)
    assert {row.language for row in rows if row.alarmed is None} == {"sr", "hy", "ka"}
    assert markdown(rows).count("\n") == len(rows) + 1
    assert "| uk |" in markdown(rows)
    assert "| ru (made with) |" in markdown(rows)
