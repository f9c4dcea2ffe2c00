from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.text.normalise import fold, fold_char


@pytest.mark.parametrize(
    "disguised",
    [
        "Al-Kuwaiti",
        "al kuwaiti",
        "AlKuwaiti",
        "A l K u w a i t i",
        "AL_KUWAITI",
        "al\u200bku\u00adwai\u2060ti",
        "𝓐𝓵-𝕂𝕦𝕨𝕒𝕚𝕥𝕚",
        "Ａｌ　Ｋｕｗａｉｔｉ",
        "ᴀʟ-ᴋᴜᴡᴀɪᴛɪ",
        "Аl-Кuwаіtі",
        "Αl-Κuwaιtι",
        "🅰🅻-🅺🆄🆆🅰🅸🆃🅸",
        "🇦🇱🇰🇺🇼🇦🇮🇹🇮",
        "Ál-Kûwäîtï",
        "a\u0301l-ku\u0302waiti",
        "alʼku‘waiti",
        "al\u115fku\u3164waiti",
        "*al* _ku_ `waiti` 🙂",
    ],
)
def test_disguises_of_a_name_fold_to_the_same(disguised: str) -> None:
    assert fold(disguised) == "alkuwaiti"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("ﬁnal", "final"),
        ("İSTANBUL ıstanbul", "istanbulistanbul"),
        ("Ærø Łódź þorn", "aerolodzthorn"),
        ("٣ ３ ③ ³ ❸", "33333"),
        ("Жюль", "жюль"),
        ("ЖЮЛЬ", "жюль"),
        ("日本 語", "日本語"),
        ("ﾊﾟﾘ", "ハリ"),
        ("", ""),
        (" \t\n.,;:!?…—🙂\u200d\ufe0f\ud800", ""),
    ],
)
def test_letters_and_digits_alone_remain(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_hangul_folds_alike_however_it_is_composed() -> None:
    assert fold("한글") == fold("\u1112\u1161\u11ab\u1100\u1173\u11af") != ""


def test_every_code_point_of_the_first_two_planes_folds_to_fixed_letters_and_digits() -> None:
    every = "".join(map(chr, range(0x20000)))
    folded = fold(every)
    assert fold(folded) == folded
    assert all(char.isalnum() for char in set(folded))


@given(st.text(), st.text())
def test_code_points_fold_independently(a: str, b: str) -> None:
    assert fold(a + b) == fold(a) + fold(b)
    assert fold(a) == "".join(map(fold_char, a))


@given(st.text())
def test_case_does_not_matter_where_unicode_maps_it_back(text: str) -> None:
    cased = "".join(char for char in text if char.upper().casefold() == char.casefold())
    assert fold(cased.upper()) == fold(cased)
