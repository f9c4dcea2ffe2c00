"""What a certificate says is shown as people read it, whatever stands in it."""

from __future__ import annotations

import pytest

from serving.certificates.reading import SCHEMA, contents_of


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        ("0.0402", "4.0 %"),
        ("0.0000", "0.0 %"),
        ("1.0000", "100.0 %"),
        ("9.5", "9.5"),
        ("<b>", "<b>"),
        ("0.1e9", "0.1e9"),
    ],
)
def test_shares_are_percentages_and_what_is_none_stays_as_it_is(share: str, shown: str) -> None:
    rate = {"count": 0, "of": 5, "low": share, "high": share}
    contents = contents_of({"schema": SCHEMA, "after": {"all": rate}})
    assert contents is not None
    assert contents.facts["high"] == shown
    (row,) = contents.forms
    assert (row.after.low, row.after.high) == (shown, shown)
