"""Names of months in many languages: whole and short, in the cases that dates have, with prefixes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from guard.text.normalise import fold

# In the order in which names that mean two months are decided: listopad is November before it is October.
_LANGUAGES = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "sv", "cs", "uk", "el", "fi"),
    *("ar", "bg", "bn", "ca", "da", "et", "fa", "gl", "he", "hi", "hu", "id", "is", "lt", "lv", "ms", "nb", "ro"),
    *("sk", "sl", "sr", "th", "ur", "vi", "hr", "ar_SY", "ar_DZ", "ar_MA", "af", "az", "be", "cy", "eu", "fil"),
    *("ga", "hy", "ka", "kk", "kn", "lb", "mk", "ml", "mn", "mr", "ne", "pa", "sq", "sw", "ta", "te", "uz"),
)
# Of names in the genitive, as dates have them: the last letter, and what other cases have instead.
_CASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ru": {"а": ("е", "у", "ом"), "я": ("е", "ю", "ем")},
    "uk": {"я": ("і", "ю", "ем"), "а": ("і", "у", "ом")},
    "be": {"я": ("і", "ю", "ем"), "а": ("у", "ам")},
    "sr": {"": ("а", "у", "ом")},
    "pl": {"a": ("u", "em"), "o": ("ym",)},
    "cs": {"a": ("u", "em"), "e": ("i",)},
    "sk": {"a": ("u", "i", "om")},
    "sl": {"a": ("u", "em")},
    "hr": {"a": ("u", "om")},
}
_KOREAN = ("일", "이", "삼", "사", "오", "유", "칠", "팔", "구", "시", "십일", "십이")
# In Hebrew and Arabic "in", "of", "from" and "and" are written with the name.
_PREFIXES = re.compile("[ובלמהשכ]{1,2}|[وبلف]{1,2}")
MAX_MONTH_CHARS = 40
"""A longer word names no month, and none is kept."""
MONTH_SIGNS = frozenset("月월")
"""After a number they make it a month."""
_WORDS_FOR_MONTH = (
    *(
        "month",
        "months",
        "monat",
        "monats",
        "mois",
        "mes",
        "mese",
        "mês",
        "maand",
        "miesiąca",
        "miesiąc",
        "měsíce",
    ),
    *(
        "ay",
        "månad",
        "måned",
        "месяц",
        "месяца",
        "місяця",
        "tháng",
        "bulan",
        "μήνα",
        "شهر",
        "חודש",
        "महीने",
        "เดือน",
    ),
)
# Of English names that are other words too.
_OTHER_WORDS = frozenset({"may", "march"})


class MonthName(NamedTuple):
    """The months that a word may name, of a whole name the likeliest first, and whether it is likely to: short
    names are many other words."""

    numbers: tuple[int, ...]
    is_sure: bool


def names(language: str) -> list[tuple[str, str]]:
    """Return the full and the short name of each month in a language, as dates have them."""
    from babel.dates import get_month_names

    wide, short = (get_month_names(width, locale=language) for width in ("wide", "abbreviated"))
    return [(wide[month], short[month].rstrip(".")) for month in range(1, 13)]


def month_named(word: str) -> MonthName | None:
    """Return what month a word is, in any of the languages; None for another word."""
    return _month_named(word) if len(word) <= MAX_MONTH_CHARS else None


@lru_cache(8_192)
def _month_named(word: str) -> MonthName | None:
    folded = fold(word)
    prefix = _PREFIXES.match(folded)
    forms = (folded[count:] for count in range(1 + (len(prefix[0]) if prefix else 0)))
    found = next((month_words()[form] for form in forms if form in month_words()), None)
    return found._replace(is_sure=False) if found and word in _OTHER_WORDS else found


@cache
def month_words() -> Mapping[str, MonthName]:
    """Return the months by the folds of their names in any of the languages."""
    whole: dict[str, dict[int, None]] = {}
    short: dict[str, dict[int, None]] = {}
    for language in _LANGUAGES:
        for number, name, is_whole in _names_in(language):
            (whole if is_whole else short).setdefault(fold(name), {})[number] = None
    found = {name: MonthName(tuple(numbers), False) for name, numbers in short.items()}
    found |= {name: MonthName(tuple(numbers), True) for name, numbers in whole.items()}
    return {name: month for name, month in found.items() if not name.isdecimal()}


@cache
def words_for_month() -> frozenset[str]:
    """Return the folds of words for a month, which say that a number beside them is one."""
    return frozenset(map(fold, _WORDS_FOR_MONTH))


def _names_in(language: str) -> Iterator[tuple[int, str, bool]]:
    """Yield the numbers and names of months, and whether each is a whole name."""
    from babel.dates import get_month_names

    for number, (wide, short) in enumerate(names(language), start=1):
        yield from ((number, wide, True), (number, short, False))
        if language == "ca":
            # They are behind "of".
            of = re.compile("^d(?:e |’)")
            yield from ((number, of.sub("", wide), True), (number, of.sub("", short), False))
        for last, others in _CASES.get(language, {}).items():
            stem = wide.removesuffix(last)
            yield from ((number, stem + other, True) for other in others if wide.endswith(last))
    for width in ("wide", "abbreviated"):
        alone = get_month_names(width, context="stand-alone", locale=language)
        yield from ((number, alone[number].rstrip("."), width == "wide") for number in range(1, 13))
    if language == "en":
        yield from ((number, f"{name}월", True) for number, name in enumerate(_KOREAN, start=1))
