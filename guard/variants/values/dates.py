"""Ways to write a date: in every common order, with month names of many languages, and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from itertools import chain, zip_longest

from guard.text.folded_dates import ROMAN_MONTHS
from guard.text.normalise import fold
from guard.variants.values.months import month_named, names

# In Latin letters: those of another script would widen every row of an automaton's table.
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr")
_WIDE_LANGUAGES = (*_LANGUAGES, "ru", "sv", "cs", "uk", "el", "fi")
# Day and month in these languages are joined by a word that folding keeps.
_JOINED = frozenset({"es", "pt"})
_CENTURIES = ("18", "19", "20")
_YEAR = re.compile("(?:18|19|20)[0-9]{2}")

Day = date
"""A date: day, month and year."""

_NUMERIC = re.compile(r"(\d{1,4})\s?[-./]\s?(\d{1,2})\s?[-./]\s?(\d{1,4})")
_EAST_ASIAN = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]")
_ROMAN = re.compile(r"(\d{1,2})[-./ ]{1,3}([IVX]{1,4})[-./ ]{1,3}(\d{4})")
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ROMAN_NUMERALS = tuple(numeral.upper() for numeral in ROMAN_MONTHS)
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
}
_ORDINALS |= {"twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}


@lru_cache(4096)
def date_variants(text: str, wide: bool = False) -> tuple[str, ...]:
    """Return the other forms of the full date that `text` is, empty when it is none; the year is never left out.

    A numeric date whose order cannot be told, as 03/04/1987, is read both ways.
    """
    # Interleaved, so that of two readings neither is cut short by a bound on variants.
    forms = chain.from_iterable(zip_longest(*(_forms(day, wide) for day in days_of(text))))
    return tuple(dict.fromkeys(filter(None, forms)))


def days_of(text: str) -> list[Day]:
    """Return the dates that `text` may be: none, one, or two where the order of its numbers cannot be told."""
    numeric = _NUMERIC.fullmatch(text.strip())
    if numeric:
        first, second, third = numeric.groups()
        if len(first) == 4:
            return _dates((first, second, third))
        if len(third) == 3 or len(first) == 3:
            return []
        return _dates((third, second, first), (third, first, second))
    east = _EAST_ASIAN.fullmatch(text.strip())
    if east:
        return _dates((east[1], east[2], east[3]))
    roman = _ROMAN.fullmatch(text.strip())
    if roman and (month := ROMAN_MONTHS.get(roman[2].lower())):
        return _dates((roman[3], str(month), roman[1]))
    return _named(text)


def _named(text: str) -> list[date]:
    words = _WORDS.findall(text)
    numbers = [folded for word in words if (folded := fold(word)).isdecimal()]
    # First, as the names of months take .4 s to load, and most texts are no dates.
    if len(numbers) != 2 or max(map(len, numbers)) > len("1987"):
        return []
    named = [month for word in words if (month := month_named(word)) is not None]
    months = set(chain.from_iterable(month.numbers[:1] if month.is_sure else month.numbers for month in named))
    if len({month.numbers for month in named}) != 1:
        return []
    year = next((number for number in numbers if len(number) == 4), numbers[-1])
    day = numbers[1] if numbers[0] is year else numbers[0]
    return _dates(*((year, str(month), day) for month in sorted(months)))


def _dates(*readings: tuple[str, str, str]) -> list[date]:
    found: list[date] = []
    for year, month, day in readings:
        number = int(year)
        # Years of two digits are of the last hundred years, as birthdays are.
        number += 0 if len(year) > 2 else (1900 if number > 30 else 2000)
        try:
            found.append(date(number, int(month), int(day)))
        except ValueError:
            continue
    return list(dict.fromkeys(found))


def _forms(day: date, wide: bool) -> Iterator[str]:
    yield from _numeric(day)
    yield from _labelled(day)
    yield f"{day.day} {_ROMAN_NUMERALS[day.month - 1]} {day.year}"
    yield from _english(day)
    for language in (_WIDE_LANGUAGES if wide else _LANGUAGES)[1:]:
        month = _names(language)[day.month - 1][0]
        yield f"{day.day} de {month} de {day.year}" if language in _JOINED else f"{day.day} {month} {day.year}"
    if wide:
        yield from _more_english(day)
        yield f"{day.year}年{day.month}月{day.day}日"
        yield f"{day.year}년{day.month}월{day.day}일"


def _numeric(day: date) -> Iterator[str]:
    d, m, y = day.day, day.month, day.year
    yield from (f"{d:02}{m:02}{y}", f"{m:02}{d:02}{y}", f"{y}{m:02}{d:02}")
    if d > 9 or m > 9 or min(10 * d + m, 10 * m + d) > 31:
        # Else 1.9.1987 has the digits of "July 19, 1987".
        yield from (f"{d}{m}{y}", f"{m}{d}{y}", f"{y}{m}{d}")
    short = f"{y % 100:02}"
    for digits in (f"{d:02}{m:02}{short}", f"{m:02}{d:02}{short}", f"{short}{m:02}{d:02}"):
        # "In 2004, 87 of them" and "12/1975" have the digits of 20.04.87 and 12/19/75.
        if not (_YEAR.match(digits) or _YEAR.match(digits[2:])):
            yield digits


def _labelled(day: date) -> Iterator[str]:
    """Yield the date as the fields of a form and members of JSON have it: {"day": 4, "month": 3, "year": 1987}."""
    for d, m in dict.fromkeys(((str(day.day), str(day.month)), (f"{day.day:02}", f"{day.month:02}"))):
        yield from (f"year {day.year} month {m} day {d}", f"day {d} month {m} year {day.year}")
        yield f"month {m} day {d} year {day.year}"


def _english(day: date) -> Iterator[str]:
    d, y, (full, short) = day.day, day.year, _names("en")[day.month - 1]
    for month in (full, short):
        yield from (f"{d} {month} {y}", f"{month} {d} {y}", f"{y} {month} {d}")
    ordinal, word = _numbered(d), _ordinal(d)
    yield from (f"{ordinal} {full} {y}", f"{ordinal} of {full} {y}", f"{full} {ordinal} {y}")
    yield from (f"{word} of {full} {y}", f"{full} {word} {y}", f"{full} the {word} {y}")


def _more_english(day: date) -> Iterator[str]:
    d, y, (full, short) = day.day, day.year, _names("en")[day.month - 1]
    ordinal, word, year, spoken = _numbered(d), _ordinal(d), f"{y % 100:02}", _year_in_words(y)
    yield from (f"{word} of {full} {spoken}", f"{full} {word} {spoken}", f"{full} the {word} {spoken}")
    yield from (f"{d} {full} {spoken}", f"{full} {d} {spoken}", f"{ordinal} {short} {y}", f"{short} {ordinal} {y}")
    # Two digits that other years begin with are no year; "October 1 96" has the digits of "October 1965".
    if year not in _CENTURIES:
        for month in (full, short):
            yield from (f"{d} {month} {year}", f"{month} {ordinal} {year}")


def _numbered(day: int) -> str:
    return f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _ordinal(number: int) -> str:
    *before, last = _cardinal(number).split(" ")
    ordinal = _ORDINALS.get(last) or (last.removesuffix("y") + ("ieth" if last.endswith("y") else "th"))
    return " ".join((*before, ordinal))


def _cardinal(number: int) -> str:
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10] + (f" {_ONES[number % 10]}" if number % 10 else "")


def _year_in_words(year: int) -> str:
    century, rest = divmod(year, 100)
    if century % 10 == 0 and rest < 10:
        return f"{_ONES[century // 10]} thousand" + (f" and {_ONES[rest]}" if rest else "")
    return f"{_cardinal(century)} " + (
        f"oh {_ONES[rest]}" if 0 < rest < 10 else _cardinal(rest) if rest else "hundred"
    )


@cache
def _names(language: str) -> list[tuple[str, str]]:
    return names(language)
