"""Numbers in words, by the rules of Unicode's CLDR: all at once (neunzehnhundertsiebenundachtzig) or one by one.

Also years in Roman numerals, and large numbers with a word for their size (1.25 million).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from guard.text.english import is_common
from guard.text.normalise import fold

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

LANGUAGES = (
    *("ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id"),
    *("is", "it", "ja", "ko", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr"),
    *("uk", "vi", "zh"),
)
MAX_SPELLED = 10**12
MIN_WORD_CHARS = 4
"""Of a number in one word, folded: shorter ones are other words elsewhere, as Turkish "on" is."""
MAX_ORDINAL = 2_100
"""Larger numbers are counts."""
_SPELLS = "spellout-"
_ORDERS = "ordinal"
_MIN_SIZED = 10_000
_MAX_SIZED_DIGITS = 4
# Units of the short scale, and of the long one where they are the same.
_SIZES = {
    1_000: (
        "k",
        "thousand",
        "tausend",
        "tsd",
        "mila",
        "mil",
        "mille",
        "duizend",
        "tusen",
        "tys",
        "тысяч",
        "тысячи",
    ),
    1_000_000: ("m", "mn", "mio", "million", "millions", "millionen", "millones", "milioni", "milhões", "miljoen"),
    1_000_000_000: ("bn", "billion", "billions", "mrd", "milliarden", "milliards", "miliardi", "miljard"),
}
_ROMAN = {1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix"}
_ROMAN |= {5: "v", 4: "iv", 1: "i"}
_YEARS = range(1500, 2100)
# The year before the first of each: Japanese eras, and the calendar of Taiwan.
_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018, "民国": 1911}
_MAX_ERA_YEARS = 120


@lru_cache(1024)
def spelled(number: int) -> frozenset[str]:
    """Return the folds of a number from 0 to MAX_SPELLED in words, in every gender and case that the rules of
    LANGUAGES have: as a count, as a year, and up to MAX_ORDINAL as an ordinal; none for another number.

    What has fewer than MIN_WORD_CHARS characters is left out, and so are common words of English, as "once" is.
    """
    if not 0 <= number <= MAX_SPELLED:
        return frozenset()
    own = _in_language(number, "en")
    found = {text for language in LANGUAGES for text in _in_language(number, language)}
    words = {folded for text in found if text in own or not is_common(text) if (folded := fold(text))}
    forms = {word for word in words if len(word) >= MIN_WORD_CHARS}
    if number in _YEARS:
        forms |= {_roman(number), *_of_eras(number)}
    return frozenset(forms | set(_sized(number)))


def load_spelling() -> None:
    """Read the rules of all languages, before a number is spelled: it takes a third of a second."""
    for language in LANGUAGES:
        _rules(language)


@cache
def _rules(language: str) -> tuple[RbnfEngine, list[str]]:
    """Return the rules of a language, and the names of those that spell."""
    from unicode_rbnf import RbnfEngine

    engine = RbnfEngine.for_language(language)
    return engine, [name for name, rules in engine.rulesets.items() if _SPELLS in name and not rules.is_private]


@lru_cache(256)
def _in_language(number: int, language: str) -> frozenset[str]:
    engine, names = _rules(language)
    if number > MAX_ORDINAL:
        names = [name for name in names if _ORDERS not in name]
    found = set(engine.format_number(number, ruleset_names=names).text_by_ruleset.values())
    return frozenset(found | set(_as_said(number, found, language)))


def _as_said(number: int, texts: set[str], language: str) -> Iterator[str]:
    """Yield what people leave out or say otherwise: "one" before a thousand, the s of mille."""
    if not 1000 <= number < 2000:
        return
    ones = _in_language(1, language)
    for text in texts:
        first, _, rest = text.partition(" ")
        if rest and first in ones:
            yield rest
        if language == "fr":
            yield text.replace("mille", "mil")


def _roman(number: int) -> str:
    text = ""
    for value, numeral in _ROMAN.items():
        text += numeral * (number // value)
        number %= value
    return text


def _of_eras(year: int) -> Iterator[str]:
    """Yield a year as East Asian eras count it: 昭和62."""
    for era, before in _ERAS.items():
        if 0 < year - before < _MAX_ERA_YEARS:
            yield fold(f"{era}{year - before}")
            yield from (f"{era}{text}" for text in _in_language(year - before, "ja"))


def _sized(number: int) -> Iterator[str]:
    """Yield the folds of 1.25 million and the like for a large number of few digits."""
    for size, words in _SIZES.items():
        digits = str(number).rstrip("0")
        is_short = len(digits) <= _MAX_SIZED_DIGITS and number * 10 ** (_MAX_SIZED_DIGITS - 1) % size == 0
        if number >= max(size, _MIN_SIZED) and is_short:
            whole = str(number // size)
            shown = digits if len(digits) > len(whole) else whole
            yield from (fold(shown + word) for word in words)
