from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.text.composition import MARKS, compose


@pytest.mark.parametrize("text", ["한글 유난히", "バナナ ガ", "E\u0301te\u0301", "কো", "ก็ำ", "Ορφέας"])
def test_characters_in_pieces_are_composed(text: str) -> None:
    assert compose(unicodedata.normalize("NFD", text)) == unicodedata.normalize("NFC", text)


def test_voiced_half_width_katakana_are_composed() -> None:
    assert compose("ｶﾞﾊﾟﾊ") == "ガパﾊ"


@given(st.text(st.sampled_from("aéか가\u1100\u1161\u11a8\u3099" + MARKS[:40]), max_size=12))
def test_composed_text_is_the_normal_form_for_short_runs(text: str) -> None:
    assert unicodedata.normalize("NFC", compose(text)) == unicodedata.normalize("NFC", text)


def test_every_mark_that_normalisation_sorts_is_known() -> None:
    marks = "".join(chr(code) for code in range(0x110000) if unicodedata.combining(chr(code)))
    assert re.fullmatch(f"[{MARKS}]*", marks)


def test_a_long_run_of_marks_is_composed_up_to_its_bound() -> None:
    composed = compose("e\u0301" + "a" + "\u0323\u0301" * 40)
    assert composed.startswith("é\u1ea1")
    assert composed.endswith("\u0323\u0301" * 25)
