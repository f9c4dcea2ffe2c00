"""Digits in words, as they are dictated: "seven nine four six", "oh", "double seven"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from guard.text.english import is_common
from guard.text.normalise import fold

_DIGITS = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "de": ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
    "fr": ("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
    "es": ("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
    "it": ("zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"),
    "pt": ("zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove"),
    "nl": ("nul", "een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen"),
    "pl": ("zero", "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć"),
    "sv": ("noll", "ett", "två", "tre", "fyra", "fem", "sex", "sju", "åtta", "nio"),
    "tr": ("sıfır", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz"),
}
# Read, and not written: in Latin letters alone a variant widens no row of an automaton. Words that are common in
# English are passed over: "fire" and "hat" are no days.
_READ_ONLY = (
    ("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"),
    ("null", "én", "to", "tre", "fire", "fem", "seks", "sju", "åtte", "ni"),
    ("nul", "en", "to", "tre", "fire", "fem", "seks", "syv", "otte", "ni"),
    ("nulla", "egy", "kettő", "három", "négy", "öt", "hat", "hét", "nyolc", "kilenc"),
    ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan"),
    ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"),
    ("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"),
    tuple("〇一二三四五六七八九"),
    tuple("零壹贰叁肆伍陆柒捌玖"),
)
_HUNDREDS = (
    *("hundred", "hundert", "cent", "cents", "cien", "ciento", "cento", "cem", "honderd", "hundra", "hundrede"),
    *("hundre", "sto", "yüz", "сто", "двести", "百", "백", "千", "천", "सौ", "مئة", "מאה"),
)
_ENGLISH_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    "nineteen",
)
_ENGLISH_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ENGLISH_ORDINALS: tuple[str, ...] = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
)
_ENGLISH_ORDINALS += ("tenth", "eleventh", "twelfth", *(f"{teen}th" for teen in _ENGLISH_TEENS[3:]))
_GERMAN_TEENS: tuple[str, ...] = (
    "zehn",
    "elf",
    "zwölf",
    "dreizehn",
    "vierzehn",
    "fünfzehn",
    "sechzehn",
    "siebzehn",
    "achtzehn",
)
_GERMAN_TEENS += ("neunzehn",)
_GERMAN_TENS = ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
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


@cache
def number_words() -> Mapping[str, str]:
    """Return the digits of words for numbers below 100, by their folds: 7 for sieben, 40 for forty.

    Above 19 in English the tens alone: the ones are a word of their own.
    """
    return {fold(word): digits for word, digits in (_ordinals() | _counts()).items()}


@cache
def ordinal_words() -> frozenset[str]:
    """Return the folds of those of these words that are ordinals."""
    return frozenset(map(fold, _ordinals())) - frozenset(map(fold, _counts()))


@cache
def _counts() -> dict[str, str]:
    found = {"oh": "0", "o": "0", "nought": "0", "naught": "0", "zwo": "2"}
    for words in _READ_ONLY:
        found |= {word: str(digit) for digit, word in enumerate(words) if not is_common(fold(word))}
    for words in _DIGITS.values():
        found |= {word: str(digit) for digit, word in enumerate(words)}
    for teens, tens in ((_ENGLISH_TEENS, _ENGLISH_TENS), (_GERMAN_TEENS, _GERMAN_TENS)):
        found |= {word: str(number) for number, word in enumerate(teens, start=10)}
        found |= {word: f"{ten}0" for ten, word in enumerate(tens, start=2)}
    ones = ("ein", *_DIGITS["de"][2:])
    for ten, word in enumerate(_GERMAN_TENS, start=2):
        found |= {f"{one}und{word}": f"{ten}{digit}" for digit, one in enumerate(ones, start=1)}
    return found


@cache
def _ordinals() -> dict[str, str]:
    found = {word: str(number) for number, word in enumerate(_ENGLISH_ORDINALS, start=1)}
    return found | {"twentieth": "20", "thirtieth": "30"} | dict(_german_ordinals(_counts()))


@cache
def hundreds() -> frozenset[str]:
    """Return the folds of words for a hundred, and for a thousand in Chinese, which larger numbers have first."""
    return frozenset(map(fold, _HUNDREDS))


def _german_ordinals(numbers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the German words for the days of a month, in all cases: vierte, vierter, vierten."""
    stems = {"erst": "1", "zweit": "2", "dritt": "3", "siebt": "7", "acht": "8"}
    german = (*_DIGITS["de"][4:], *_GERMAN_TEENS, *(word for word in numbers if word.endswith("ßig")))
    german += tuple(word for word in numbers if word.endswith("zig"))
    for word in german:
        stems.setdefault(word + ("st" if word.endswith("ig") else "t"), numbers[word])
    yield from ((stem + ending, digits) for stem, digits in stems.items() for ending in ("e", "er", "en"))


def in_words(digits: str) -> Iterator[str]:
    """Yield the ASCII digits read one by one in ten languages of Latin letters, and in pairs in French."""
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
