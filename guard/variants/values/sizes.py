"""Large numbers with words for their size, in digits or in part: 1.25 million, 125万, 48 thousand 500."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache

from guard.text.normalise import fold

LANGUAGES = (
    *("ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu"),
    *("id", "is", "it", "ja", "ko", "lt", "lv", "ms", "no", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv"),
    *("th", "tr", "uk", "ur", "vi", "zh"),
)
MIN_SIZED = 10_000
MAX_DIGITS = 4
"""Of a number before a word for its size, from the first that is not zero to the last."""
_MAX_WORDS = 3
"""For sizes in one number: 1 million 250 thousand."""
_MAX_COUNT = 10_000
"""Before a word for a size that is not the only one."""
# What CLDR's tables do not have, by language.
_MORE: Mapping[str, Mapping[int, tuple[str, ...]]] = {
    "en": {
        10**3: ("grand",),
        10**5: ("lakh", "lakhs"),
        10**6: ("mm", "mln"),
        10**7: ("crore", "crores"),
        10**9: ("bn",),
    },
    "de": {10**3: ("tsd",)},
    "es": {10**9: ("mil millones",)},
    "it": {10**3: ("mille",), 10**6: ("mln",), 10**9: ("mld",)},
    "ja": {10**3: ("千",)},
    "nl": {10**6: ("mln",), 10**9: ("mld",)},
    "pt": {10**9: ("mil milhões",)},
    "zh": {10**3: ("千",)},
}
# "25 km" is no number.
_SHORT = {10**3: ("k", "rb"), 10**6: ("m", "mn", "mm", "jt"), 10**9: ("b", "bn", "md"), 10**12: ("t", "tn")}
_MIN_CHARS = 3
"""Of a word for a size in Latin letters that is none of these."""
_MIN_SPOKEN_CHARS = 4
"""The same with a number in words before it, or a part."""
_PARTS = {
    Fraction(1, 4): (("14", "1.4"), "aquarter"),
    Fraction(1, 2): (("12", "1.2"), "ahalf"),
    Fraction(3, 4): (("34", "3.4"), "threequarters"),
}
_HALVES_AFTER = {"es": "y medio", "fr": "et demi", "it": "e mezzo", "pt": "e meio"}
_ZEROS = re.compile("0+")

Spell = Callable[[Fraction, str], Iterable[str]]
"""Tells a number in words of a language: none in one that it does not know."""


def sized(number: int, spell: Spell) -> Iterator[str]:
    """Yield the folds of a large number with words for its size, and digits or words before and after them.

    Between two runs of digits there is a point, whatever sign or blank parts them: 1.25million.
    """
    for language in LANGUAGES if number >= MIN_SIZED else ():
        words = size_words(language)
        for size, names in words.items():
            share = Fraction(number, size)
            shown = [*_shown(share)]
            yield from (count + name for count in shown for name in names)
            spoken = [name for name in names if len(name) >= _MIN_SPOKEN_CHARS or not name.isascii()]
            is_told = shown and spoken and (share.denominator > 1 or language in _MORE) and 1 <= share < 1_000
            counts = map(fold, spell(share, language)) if is_told else ()
            yield from (count + name for count in counts for name in spoken)
            yield from _with_part(share, spoken, language, spell)
        yield from _mixed(number, words, language, spell)


def load_sizes() -> None:
    """Read the words for sizes of all languages."""
    for language in LANGUAGES:
        size_words(language)


@cache
def size_words(language: str) -> Mapping[int, tuple[str, ...]]:
    """Return the folds of the words of a language for each size, whole and short, by CLDR's compact numbers."""
    from babel import Locale

    found: dict[int, dict[str, None]] = {}
    formats = Locale(language).compact_decimal_formats
    for plurals in (plurals for width in ("long", "short") for plurals in formats[width].values()):
        for power, pattern in plurals.items():
            zeros = _ZEROS.search(pattern.pattern)
            word = fold(_ZEROS.sub("", pattern.pattern))
            size = int(power) // 10 ** (len(zeros[0]) - 1 if zeros else 0)
            if word and (len(word) >= _MIN_CHARS or not word.isascii() or word in _SHORT.get(size, ())):
                found.setdefault(size, {})[word] = None
    for size, names in _MORE.get(language, {}).items():
        found.setdefault(size, {}).update(dict.fromkeys(map(fold, names)))
    return {size: tuple(names) for size, names in sorted(found.items(), reverse=True) if size > 1}


def _shown(share: Fraction) -> Iterator[str]:
    """Yield the digits of a number of sizes, if they are few: 1.25, 1.250, 3, 3.0."""
    smallest = share * 10 ** (MAX_DIGITS - 1)
    if smallest.denominator != 1 or share < Fraction(1, 10):
        return
    whole, after = divmod(smallest.numerator, 10 ** (MAX_DIGITS - 1))
    decimals = f"{after:0{MAX_DIGITS - 1}}".rstrip("0")
    if len(f"{whole}{decimals}".strip("0")) > MAX_DIGITS:
        return
    zeros = range(MAX_DIGITS - max(1, len(decimals)))
    for count in _grouped(whole):
        yield from (f"{count}.{decimals}{'0' * more}" if decimals or more else count for more in zeros)


def _grouped(number: int) -> tuple[str, ...]:
    """Return the digits of a number, and with a point between groups of three."""
    return tuple(dict.fromkeys((str(number), f"{number:,}".replace(",", "."))))


def _mixed(number: int, words: Mapping[int, tuple[str, ...]], language: str, spell: Spell) -> Iterator[str]:
    """Yield a number as its largest size and what is left: 1 million 250 thousand, 4万8500."""
    for size in (one for one in words if one < number):
        count, rest = divmod(number, size)
        if rest and count < _MAX_COUNT:
            after = (*_in_digits(rest, words, _MAX_WORDS - 1), *map(fold, spell(Fraction(rest), language)))
            yield from (f"{count}{word}{one}" for word in words[size] for one in after)


def _in_digits(number: int, words: Mapping[int, tuple[str, ...]], most: int) -> Iterator[str]:
    yield from _grouped(number)
    for size in (one for one in words if one <= number < one * _MAX_COUNT and most):
        count, rest = divmod(number, size)
        after = _in_digits(rest, words, most - 1) if rest else ("",)
        yield from (f"{count}{word}{one}" for one in after for word in words[size])


def _with_part(share: Fraction, names: Sequence[str], language: str, spell: Spell) -> Iterator[str]:
    """Yield a number with halves and quarters of a size: 1¼ million, two and a half million."""
    whole, part = divmod(share, 1)
    if part not in _PARTS or whole >= 1_000:
        return
    digits, words = _PARTS[part]
    counts = (str(whole), *map(fold, spell(Fraction(whole), language)))
    is_half = part == Fraction(1, 2)
    for name in names:
        yield from (f"{whole}.{one}{name}" if whole else one + name for one in digits)
        if language == "en" and not whole:
            bare = words.removeprefix("a")
            yield from (words + name, f"{bare}a{name}", f"{words}ofa{name}")
        elif language == "en":
            counts = (*counts, "a") if whole == 1 else counts
            yield from (form for one in counts for form in (f"{one}and{words}{name}", f"{one}{name}and{words}"))
        elif is_half and language == "de":
            yield from (f"{one}einhalb{name}" for one in counts)
        elif is_half and language in _HALVES_AFTER:
            yield from (one + name + fold(_HALVES_AFTER[language]) for one in counts)
