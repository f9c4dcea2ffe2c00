from __future__ import annotations

import traceback

from hypothesis import given
from hypothesis import strategies as st

from serving.secret import SecretText

KEY = "correct-horse-battery"


def test_the_text_is_given_away_only_when_asked_for() -> None:
    secret = SecretText(KEY)
    assert secret.reveal() == KEY
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", repr([secret]), f"{secret!s}"):
        assert KEY not in shown
        assert "***" in shown


def test_an_error_that_mentions_it_does_not_show_it() -> None:
    error = ValueError(SecretText(KEY))
    assert KEY not in "".join(traceback.format_exception(error))


@given(st.text(), st.text())
def test_equals_is_equality(mine: str, theirs: str) -> None:
    assert SecretText(mine).equals(theirs) == (mine == theirs)


def test_half_a_surrogate_pair_equals_nothing_and_breaks_nothing() -> None:
    assert not SecretText(KEY).equals("\ud800")
