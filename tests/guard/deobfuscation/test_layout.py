from __future__ import annotations

from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.deobfuscation import layout
from guard.deobfuscation.layout import MIN_COLUMN_LINES, columns

LINES = st.lists(st.text("abc é", max_size=6), min_size=MIN_COLUMN_LINES, max_size=40)


@given(LINES)
def test_columns_are_the_same_however_many_lines_are_read_at_a_time(lines: list[str]) -> None:
    # An empty line at the end of a text is none.
    expected = "\n".join(map("".join, zip_longest(*lines, "", fillvalue=" ")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "_BLOCK_LINES", 7)
        assert columns("\n".join([*lines, "", ""])) == expected


def test_lines_without_letters_have_no_columns() -> None:
    assert columns("\n" * 5_000) == ""
