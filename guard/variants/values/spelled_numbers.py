"""Numbers in words, by the rules of Unicode's CLDR: all at once (neunzehnhundertsiebenundachtzig) or one by one.

Also years in Roman numerals and by eras, and large numbers with a word for their size (`sizes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from guard.text.english import is_common
from guard.text.normalise import fold
from guard.variants.values.sizes import load_sizes, sized

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

LANGUAGES = (
    *("ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "fr_BE", "fr_CH", "he", "hi"),
    *(
        "hr",
        "hu",
        "id",
        "is",
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "ms",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "tr",
    ),
    *("uk", "vi", "zh"),
)
MAX_SPELLED = 10**15
MIN_WORD_CHARS = 4
"""Of a number in one word, folded: shorter ones are other words elsewhere, as Turkish "on" is."""
MIN_OTHER_CHARS = 2
"""The same in other letters than Latin."""
MAX_ORDINAL = 2_100
"""Larger numbers are counts."""
_SPELLS = "spellout-"
_ORDERS = "ordinal"
_COUNTS = re.compile("spellout-(?:numbering|cardinal)(?:-verbose|-masculine|-feminine|-neuter)?")
_ROMAN = {1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix"}
_ROMAN |= {5: "v", 4: "iv", 1: "i"}
_YEARS = range(1500, 2100)
# Languages that count years by hundreds, with the word for them, and the one that may come after it.
_HUNDREDS = {"da": ("hundrede", "og"), "de": ("hundert", "und"), "en": ("hundred", "and"), "hi": ("सौ", "")}
_HUNDREDS |= {"nl": ("honderd", "en"), "no": ("hundre", "og"), "sv": ("hundra", "och")}
# The year before the first of each, by all of its names: Japanese eras, and the calendars of Taiwan and Korea.
_ERAS = {
    ("明治", "m", "meiji", "메이지"): 1867,
    ("大正", "t", "taisho", "다이쇼"): 1911,
    ("昭和", "s", "showa", "쇼와", "昭"): 1925,
    ("平成", "h", "heisei", "헤이세이", "平"): 1988,
    ("令和", "r", "reiwa", "레이와", "令"): 2018,
    ("民国", "minguo", "roc"): 1911,
    ("단기", "dangi"): -2333,
}
_MAX_ERA_YEARS = 120
_MAX_DANGI_YEARS = 9_999


@lru_cache(64)
def spelled(number: int) -> frozenset[str]:
    """Return the folds of a number from 0 to MAX_SPELLED in words, in every gender and case that the rules of
    LANGUAGES have: as a count, as a year, and up to MAX_ORDINAL as an ordinal; none for another number.

    What has too few characters is left out, and so are common words of English, as "once" is.
    """
    if not 0 <= number <= MAX_SPELLED:
        return frozenset()
    own = _in_language(number, "en")
    found = {text for language in LANGUAGES for text in _in_language(number, language)}
    words = {folded for text in found if text in own or not is_common(text) if (folded := fold(text))}
    forms = {word for word in words if len(word) >= (MIN_WORD_CHARS if word.isascii() else MIN_OTHER_CHARS)}
    if number in _YEARS:
        forms |= {_roman(number), *_of_eras(number)}
    return frozenset(forms | set(sized(number, _cardinals)))


@lru_cache(64)
def counts(number: int) -> frozenset[str]:
    """Return those of the folds of a number that count, and are no ordinals."""
    texts: set[str] = set()
    for engine, names in map(_rules, LANGUAGES):
        counting = [name for name in names if _ORDERS not in name]
        texts.update(engine.format_number(number, ruleset_names=counting).text_by_ruleset.values())
    return frozenset(map(fold, texts))


def load_spelling() -> None:
    """Read the rules of all languages, before a number is spelled: it takes half a second."""
    for language in LANGUAGES:
        _rules(language)
    load_sizes()


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


@lru_cache(256)
def _cardinals(number: Fraction, language: str) -> frozenset[str]:
    """Return a number before a word for its size in words of a language: one point two five."""
    if language not in LANGUAGES:
        return frozenset()
    engine, names = _rules(language)
    names = [name for name in names if _COUNTS.fullmatch(name)]
    count = int(number) if number.denominator == 1 else float(number)
    return frozenset(engine.format_number(count, ruleset_names=names).text_by_ruleset.values())


def _as_said(number: int, texts: set[str], language: str) -> Iterator[str]:
    """Yield what people leave out or say otherwise: "one" before a thousand or "a", the s of mille."""
    if language in _HUNDREDS and 1100 <= number < 2000:
        yield from _by_hundreds(number, language)
    if language == "it":
        yield from (text.replace("centott", "centoott") for text in texts)
    if language == "en":
        yield from (f"a {text.removeprefix('one ')}" for text in texts if text.startswith("one "))
    if not 1000 <= number < 2000:
        return
    ones = _in_language(1, language)
    for text in texts:
        first, _, rest = text.partition(" ")
        if rest and first in ones:
            yield rest
        if language.startswith("fr"):
            yield text.replace("mille", "mil")


def _by_hundreds(year: int, language: str) -> Iterator[str]:
    """Yield a year as its hundreds and what is left, with and without a word for hundreds."""
    century, rest = divmod(year, 100)
    hundred, joined = _HUNDREDS[language]
    for count in _in_language(century, language):
        for left in _in_language(rest, language) if rest else ("",):
            yield from (f"{count} {word} {left}" for word in (hundred, f"{hundred} {joined}", ""))


def _roman(number: int) -> str:
    text = ""
    for value, numeral in _ROMAN.items():
        text += numeral * (number // value)
        number %= value
    return text


def _of_eras(year: int) -> Iterator[str]:
    """Yield a year as East Asian eras count it: 昭和62."""
    for names, before in _ERAS.items():
        count = year - before
        if not 0 < count < (_MAX_ERA_YEARS if before > 0 else _MAX_DANGI_YEARS):
            continue
        counts = (str(count), *_in_language(count, "ja"), *(("元",) if count == 1 else ()))
        yield from (fold(name + text) for name in names for text in counts)
        for name in (name for name in names if name.isascii() and len(name) > 1):
            english = (
                str(count),
                *_in_language(count, "en"),
                f"{count}th year",
                f"{count}st year",
                f"{count}nd year",
            )
            yield from (fold(text + of + name) for text in english for of in ("", "of", "of the"))
