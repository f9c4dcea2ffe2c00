"""Amounts with words for their size."""

from __future__ import annotations

import pytest

from guard.variants.values.sizes import LANGUAGES, size_words
from tests.guard.variants.values.telling import tells


@pytest.mark.parametrize(
    "text",
    [
        "3.75 million",
        "3.750 million",
        "3,75 млн",
        "3,75 миллиона",
        "375万",
        "375만",
        "37.5 lakh",
        "0.375 crore",
        "3.75 مليون",
        "3.75 मिलियन or 37.5 लाख",
        "3,75 milyon",
        "3,75 milionu",
        "3,75 miljoonaa",
        "3.75 juta",
        "three point seven five million",
        "drei Komma sieben fünf Millionen",
        "3¾ million",
        "3 3/4 million",
        "three and three quarters million",
        "3,750 thousand",
        "3 million 750 thousand",
        "3 million seven hundred fifty thousand",
        "3 Millionen 750.000",
        "3-point-75 million: 3.75M",
    ],
)
def test_an_amount_is_told_with_a_word_for_its_size(text: str) -> None:
    assert tells("3,750,000", f"It cost {text}.")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1,500,000", "a million and a half"),
        ("1,500,000", "one and a half million"),
        ("500,000", "half a million"),
        ("7,500,000", "siebeneinhalb Millionen"),
        ("2,500,000", "deux millions et demi"),
        ("4,000,000", "4.0 million"),
        ("1,200,000", "a million two hundred thousand"),
        ("92,300", "92 thousand 300"),
        ("92,300", "9万2300"),
        ("92,300", "9万2千300"),
        ("92,300", "92,3 тыс."),
        ("92,300", "92.3 grand"),
        ("6,400,000,000", "6,4 Mrd."),
        ("6,400,000,000", "64億"),
        ("2,300,000,000,000", "2.3 trillion"),
        ("2,300,000,000,000", "2,3 Billionen"),
    ],
)
def test_with_halves_the_rest_after_it_and_larger_sizes(amount: str, text: str) -> None:
    assert tells(amount, f"It cost {text}.")


@pytest.mark.parametrize(
    "text",
    [
        "375 million",
        "37,5 Millionen",
        "3.7 million",
        "3.76 million",
        "3.75 thousand",
        "375 km",
        "3 million and 75",
        "37.5万",
    ],
)
def test_other_amounts_are_not(text: str) -> None:
    assert not tells("3,750,000", f"It cost {text}.")


def test_every_language_has_a_word_for_a_size() -> None:
    assert all(size_words(language) for language in LANGUAGES)
