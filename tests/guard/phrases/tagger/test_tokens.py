"""Tokens: words and punctuation, characters of Chinese and Japanese, and what is written together with a word."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.phrases.tagger.tokens import tokens_of


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("en", "Orla Quarn-Vane, aged 40.", ["Orla", "Quarn-Vane", ",", "aged", "40", "."]),
        ("fr", "l'usine d'Orvanne", ["l'", "usine", "d'", "Orvanne"]),
        ("tr", "Sallowköy'de oturdu", ["Sallowköy", "oturdu"]),
        ("he", 'ד"ר בן-פורקן', ['ד"ר', "בן-פורקן"]),
        ("zh", "他叫ABC 12年", ["他", "叫", "ABC", "12", "年"]),
    ],
)
def test_tokens(language: str, text: str, tokens: list[str]) -> None:
    assert [token.text for token in tokens_of(text, language)] == tokens


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("봉하윤이", ["봉하윤", "이"]),
        ("마선비에게서", ["마선비", "에게서"]),
        # 은 follows a consonant only, so that it is the end of this name.
        ("박지은", ["박지은"]),
        ("서울로", ["서울", "로"]),
        ("탁무열은", ["탁무열", "은"]),
    ],
)
def test_a_korean_particle_is_apart_where_it_fits_the_sound_before_it(word: str, parts: list[str]) -> None:
    assert [token.text for token in tokens_of(word, "ko")] == parts


@pytest.mark.parametrize("language", ["en", "fr", "he", "hi", "ja", "ko", "th", "tr", "zh"])
@given(text=st.text(max_size=60))
def test_tokens_are_in_order_and_stand_where_they_say(language: str, text: str) -> None:
    tokens = tokens_of(text, language)
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert all(before.end <= after.start for before, after in pairwise(tokens))
    assert not any(token.text.isspace() for token in tokens)
