"""Digits in words, as they are dictated: "seven nine four six", "oh", "double seven"."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DIGITS = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "de": ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
    "fr": ("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
    "es": ("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
}
_REPEATED = re.compile(r"(\d)\1+")
_TIMES = {2: "double", 3: "triple"}
# The teens and tens of French, whose telephone numbers are read in pairs.
_FRENCH_TEENS = (
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
)
_FRENCH_TENS = {
    2: "vingt",
    3: "trente",
    4: "quarante",
    5: "cinquante",
    6: "soixante",
    7: "soixante",
    8: "quatre-vingt",
}
_FRENCH_TENS[9] = "quatre-vingt"


def in_words(digits: str) -> Iterator[str]:
    """Yield the ASCII digits read one by one in English, German, French and Spanish, and in pairs in French."""
    for language in _DIGITS:
        yield _one_by_one(digits, language)
    if "0" in digits:
        yield _one_by_one(digits, "en", zero="oh")
    if "2" in digits:
        yield _one_by_one(digits, "de", two="zwo")
    if _REPEATED.search(digits):
        yield _grouped(digits, "zero")
        if "0" in digits:
            yield _grouped(digits, "oh")
    if len(digits) % 2 == 0:
        yield " ".join(map(_french_pair, re.findall("..", digits)))


def _one_by_one(digits: str, language: str, zero: str = "", two: str = "") -> str:
    words = list(_DIGITS[language])
    words[0], words[2] = zero or words[0], two or words[2]
    return " ".join(words[int(digit)] for digit in digits)


def _grouped(digits: str, zero: str) -> str:
    """Return the digits in English, two or three equal ones in a row together."""
    parts = []
    for match in re.finditer(r"(\d)\1{0,2}", digits):
        word = zero if match[1] == "0" else _DIGITS["en"][int(match[1])]
        parts.append(f"{_TIMES[len(match[0])]} {word}" if len(match[0]) > 1 else word)
    return " ".join(parts)


def _french_pair(pair: str) -> str:
    tens, units = int(pair[0]), int(pair[1])
    if tens == 0:
        return f"zéro {_DIGITS['fr'][units]}"
    if tens == 1:
        return _FRENCH_TEENS[units]
    joiner = " et " if tens < 8 and units == 1 else "-"
    if tens in (7, 9):
        return f"{_FRENCH_TENS[tens]}{joiner}{_FRENCH_TEENS[units]}"
    if units == 0:
        return _FRENCH_TENS[tens] + ("s" if tens == 8 else "")
    return f"{_FRENCH_TENS[tens]}{joiner}{_DIGITS['fr'][units]}"
