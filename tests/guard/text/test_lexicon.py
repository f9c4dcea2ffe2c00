from __future__ import annotations

import pytest

from guard.text.lexicon import ATTESTED, LANGUAGES, frequency, is_attested, is_known_word, ranks, words_used


@pytest.mark.parametrize(
    ("word", "language", "often"), [("the", "en", 0.0537), ("und", "de", 0.0263), ("的", "zh", 0.0617)]
)
def test_frequencies_are_those_of_the_source(word: str, language: str, often: float) -> None:
    assert frequency(word, language) == pytest.approx(often, rel=0.01)


@pytest.mark.parametrize("language", ["en", "tr", "th"])
def test_every_listed_word_has_a_frequency_and_rarer_words_a_lower_one(language: str) -> None:
    values = [frequency(word, language) for word in ranks(language)]
    assert values == sorted(values, reverse=True)
    assert min(values) > 0


def test_what_is_not_listed_has_none() -> None:
    assert frequency("quorne", "en") == 0
    assert frequency("the", "xx") == 0


def test_words_are_yielded_down_to_a_frequency() -> None:
    words = dict(words_used("en", 1e-4))
    assert min(words.values()) >= 1e-4
    assert "house" in words
    assert "orchard" not in words


def test_a_word_of_any_language_is_known() -> None:
    assert is_known_word("Krankenhaus")
    assert is_known_word("hospital")
    assert not is_known_word("quornely")
    assert {"de", "en", "th"} <= LANGUAGES


@pytest.mark.parametrize(
    ("word", "language"),
    [
        *(
            ("heron", "en"),
            ("houx", "fr"),
            ("tordo", "es"),
            ("zwirn", "de"),
            ("kręconych", "pl"),
            ("скрепка", "ru"),
        ),
        *(("مطحنة", "ar"), ("זקונים", "he"), ("窯元", "ja"), ("皮影戏", "zh")),
    ],
)
def test_rare_words_of_ten_languages_are_attested(word: str, language: str) -> None:
    assert language in ATTESTED
    assert is_attested(word, language) or word in ranks(language)


@pytest.mark.parametrize(
    ("word", "language"),
    [
        *(("quornely", "en"), ("mouilleverd", "fr"), ("zarvalde", "es"), ("lührsdorff", "de")),
        *(("гнутоморов", "ru"), ("quorne", "xx")),
    ],
)
def test_invented_names_are_not(word: str, language: str) -> None:
    assert not is_attested(word, language)
