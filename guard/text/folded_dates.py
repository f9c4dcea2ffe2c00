"""Dates in folded text: a day with its month, and where a day of one digit may be the end of another day."""

from __future__ import annotations

import re
from functools import cache

from guard.text.lexicon import months
from guard.text.normalise import fold

ROMAN_MONTHS = {
    numeral: month
    for month, numeral in enumerate(
        ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"), start=1
    )
}
"""Months as Poles, Hungarians and others write them in dates: 4 III 1987."""
# The name of a month; with a bound, so that a search takes time in proportion to the text.
_NAME = r"[^\d]{1,32}"
_DAY_AND_MONTH = re.compile(
    rf"\d{{1,2}}(?:st|nd|rd|th|er)?(?:of|de)?({_NAME})|({_NAME}?)(?:the)?\d{{1,2}}(?:st|nd|rd|th)?"
)
_ONE_DIGIT_DAY = re.compile(rf"([1-9])(?:st|nd|rd|th)?(?:of|de)?({_NAME}?)(?:de|del)?(?:\d{{4}})?")


def is_day_and_month(folded: str) -> bool:
    """Whether folded text is a day with the name of its month, in either order, and no year."""
    found = _DAY_AND_MONTH.fullmatch(folded)
    return found is not None and (found[1] or found[2]) in _months()


def tens_before(folded: str) -> str:
    """Return the digits of which each makes another date of folded text that begins with a day of one digit: "12"
    for "4may1961", and "" for what is none."""
    found = _ONE_DIGIT_DAY.fullmatch(folded)
    if found is None or found[2] not in _months() | ROMAN_MONTHS.keys():
        return ""
    return "123" if found[1] == "1" else "12"


@cache
def _months() -> frozenset[str]:
    return frozenset(map(fold, months()))
