"""Dates told by the numbers and months that a text says, in any order, near each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from guard.variants.values.dates import Day
from guard.variants.values.months import MonthName

WORD_PLACES = 2
"""From one word to the next."""
MAX_DATE_WORDS = 8
"""From the first to the last word of a date, such as "the 4th day of March in the year 1987"."""
_MAX_TRIPLE_WORDS = 4
_BUDDHIST_YEARS = 543
"""That the calendar of Thailand is ahead."""
_MIN_YEAR = 1_000
"""Of a date that is told from others near it."""


class Said(NamedTuple):
    """A number, or the months that a word names, and the place of the word.

    is_count  whether the number is a word that may count something else: four, first
    """

    place: int
    number: int
    month: MonthName | None = None
    is_count: bool = False

    def means(self, number: int) -> bool:
        return number in self.month.numbers if self.month else number == self.number

    def is_other(self, month: int) -> bool:
        """Whether it names no such month."""
        return self.month is not None and month not in self.month.numbers


def recent(said: Sequence[Said], last: Said) -> tuple[Said, ...]:
    """Return what was said of late, with one more."""
    kept = (one for one in said if one.place > last.place - WORD_PLACES * MAX_DATE_WORDS)
    return (*kept, last)[-MAX_DATE_WORDS:]


def tells_day(said: Sequence[Said], day: Day) -> bool:
    """Whether numbers and months tell the date `day`, the last of them a part of it.

    What is a part of another date tells nothing, and a day belongs to the month that is nearest to it: "on 4 May
    and in March 1987" has no 4 March. A number in words is a day beside its month: "in March 1987, four boats".
    """
    years = (day.year, day.year + _BUDDHIST_YEARS)
    parts = (day.day, day.month, day.year % 100, *years)
    if not said or not any(map(said[-1].means, parts)):
        return False
    # "March 19 87" is the year 1987.
    short = () if day.day == day.year // 100 else (day.year % 100,)
    # "Des" and "set" are months elsewhere.
    surely = [one for one in said if not (one.is_other(day.month) and one.month and not one.month.is_sure)]
    if any(_is_triple(some[-3:], day, year) for some in (said, surely) for year in (*years, *short)):
        return True
    left = list(_without_other_dates(surely, day, years))
    own = [one for one in left if one.month and not one.is_other(day.month)]
    others = [one for one in left if one.is_other(day.month)]
    numbers = [one for one in left if not one.month]
    rests = (rest for year in years for rest in _without_year(numbers, year))
    days = (one for rest in rests for one in rest if one.number == day.day)
    beside = [one for pair in pairwise(left) for one in pair if not {*pair}.isdisjoint(own)]
    days = (one for one in days if not one.is_count or one in beside)
    return any(_distance(one, own) < _distance(one, others) for one in days)


def _distance(number: Said, months: Sequence[Said]) -> float:
    return min((abs(number.place - month.place) for month in months), default=float("inf"))


def _is_triple(said: Sequence[Said], day: Day, year: int) -> bool:
    if len(said) != 3 or said[-1].place - said[0].place > WORD_PLACES * _MAX_TRIPLE_WORDS:
        return False
    return any(
        days.number == day.day and months.means(day.month) and years.number == year
        for days, months, years in _orders(said)
    )


def _orders(three: Sequence[Said]) -> tuple[tuple[Said, Said, Said], ...]:
    """Return three of what was said as day, month and year, in each order that dates have."""
    one, two, last = three
    return (one, two, last), (two, one, last), (last, two, one)


def _without_other_dates(said: Sequence[Said], day: Day, years: Sequence[int]) -> Iterator[Said]:
    """Yield what is no part of a date with a named month that is another one, and follows without a break."""
    at = 0
    while at < len(said):
        count = next((count for count in (4, 3) if _is_other_date(said[at : at + count], day, years)), 0)
        if not count:
            yield said[at]
        at += count or 1


def _is_other_date(said: Sequence[Said], day: Day, years: Sequence[int]) -> bool:
    *before, last = said
    if len(said) == 4 and not (last.month or before[-1].month):
        # Nineteen eighty-seven.
        said = (*before[:-1], last._replace(number=before[-1].number * 100 + last.number))
    if len(said) != 3:
        return False
    dates = [
        (days.number, months, years.number)
        for days, months, years in _orders(said)
        if months.month and not days.month and not years.month and days.number <= 31 and years.number >= _MIN_YEAR
    ]
    return bool(dates) and not any(
        number == day.day and not month.is_other(day.month) and year in years for number, month, year in dates
    )


def _without_year(numbers: Sequence[Said], year: int) -> Iterator[Sequence[Said]]:
    """Yield the numbers before and after the year, for each place where it is: 1987, or nineteen eighty-seven."""
    for at, one in enumerate(numbers):
        if one.number == year:
            yield [*numbers[:at], *numbers[at + 1 :]]
        elif one.number * 100 + sum(other.number for other in numbers[at + 1 : at + 2]) == year:
            yield [*numbers[:at], *numbers[at + 2 :]]
