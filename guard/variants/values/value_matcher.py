"""Dates and numbers said in parts: in words of many languages, in any order, with other words between them.

"On the 4th, in March of 1987" has no run of characters that a list of variants could hold. Here the words of a
text are read for the numbers and months that they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from guard.phrases.numbers import kind_of
from guard.phrases.phrase import PhraseKind
from guard.text.composition import MARKS
from guard.text.normalise import ascii_digits, fold
from guard.text.words import words_of
from guard.variants.values.dates import Day, days_of
from guard.variants.values.digit_words import hundreds, number_words
from guard.variants.values.months import MONTH_SIGNS, MonthName, month_named, words_for_month
from guard.variants.values.numbers import MIN_AMOUNT_DIGITS, is_amount, subscriber
from guard.variants.values.said_dates import WORD_PLACES, Said, recent, tells_day
from guard.variants.values.spoken_numbers import SpokenNumbers, may_count

MIN_DIGITS = 6
"""Of a number that is looked for in parts; shorter ones are years and counts."""
MIN_SHARE = 0.75
"""Of a number's digits, from its first, by which a text tells it; an amount must be whole."""
MAX_WORDS_BETWEEN = 3
"""Between two parts of a number: more, and another number begins."""
_MAX_DIGITS = 48
MAX_AMOUNT_DIGITS = 16
"""A longer number is no amount."""
MAX_SPELLED_WORDS = 12
MAX_SPELLED_CHARS = 160
"""Of a number in words, folded, in one word."""
_CURRENCY = re.compile(r"^(?:[$€£¥₹₩₽₺]|[A-Z]{3}) ?(?=\d)|(?<=\d) ?(?:[$€£¥₹₩₽₺]|[A-Z]{3})$")
# What East Asian languages write after year, month and day is no part of a number.
_PART = re.compile(rf"\d+|[월月]|(?:(?![年月日년월일])[^\W\d_]|[{MARKS}])+")
# The digits at the end of an IBAN or another code: sort code and account are said apart.
_ACCOUNT = re.compile(r"\d{10,}$")
_TIMES = {"double": 2, "triple": 3}


class _Part(NamedTuple):
    """A run of letters or digits, folded, and the numbers and months before it, and the digits in progress."""

    folded: str
    said: tuple[Said, ...]
    digits: str


class ValueState(NamedTuple):
    """What a text has said.

    digits   of the number in progress, the last `added` of them by the last word
    between  words since
    is_ten   whether the last was a ten, which ones may follow: forty, four
    times    how often the next digit counts, after "double"
    place    of the word, WORD_PLACES after the one before
    said     the last numbers and months
    read     the last letters, and digits for words that are numbers, the last `new` of them by the last word
    parts    the last runs of letters and digits
    spelled  the number that the last of these end, in words
    last     the last of them, as it stands
    awaits   whether the next number is that of a month
    """

    digits: str = ""
    added: int = 0
    between: int = 0
    is_ten: bool = False
    times: int = 1
    place: int = 0
    said: tuple[Said, ...] = ()
    read: str = ""
    new: int = 0
    parts: tuple[_Part, ...] = ()
    spelled: int | None = None
    last: str = ""
    awaits: bool = False


@dataclass(frozen=True, slots=True)
class ValueMatcher:
    """The dates, the beginnings of numbers, the amounts and the folded codes that a text must not tell in parts;
    immutable.

    spoken  the numbers of its dates, numbers and amounts, which may be in words
    """

    days: frozenset[Day] = field(default=frozenset(), repr=False)
    numbers: frozenset[str] = field(default=frozenset(), repr=False)
    codes: frozenset[str] = field(default=frozenset(), repr=False)
    amounts: frozenset[int] = field(default=frozenset(), repr=False)
    spoken: SpokenNumbers = field(default=SpokenNumbers(), repr=False, compare=False)

    @classmethod
    def of(cls, phrases: Iterable[str]) -> ValueMatcher:
        """Return those of `phrases` that are dates with a year, numbers of MIN_DIGITS digits and more, or have
        letters and digits."""
        texts = tuple(phrases)
        days = frozenset(chain.from_iterable(map(days_of, texts)))
        others = [text for text in texts if not days_of(text)]
        codes = frozenset(code for code in map(fold, others) if _is_code(code))
        amounts = frozenset(chain.from_iterable(map(_amount, others)))
        numbers = frozenset(chain.from_iterable(map(_beginning, others)))
        spoken = SpokenNumbers.of(_numbers_of(days) | _pairs_of(numbers) | amounts)
        return cls(days, numbers, codes, amounts, spoken)

    def __bool__(self) -> bool:
        return bool(self.days or self.numbers or self.codes or self.amounts)

    @property
    def start(self) -> ValueState:
        """The state before the first word of a text."""
        return ValueState()

    def step(self, state: ValueState, word: str) -> tuple[ValueState, bool]:
        """Return the state after one more word, and whether the text tells a value with it."""
        found = False
        for part in _PART.findall(ascii_digits(word)):
            state = self._after(state, part)
            found = found or any(True for _ in self._ended(state))
        return _passed(state, word), found

    def without_stated(self, text: str) -> ValueMatcher:
        """Return the values without those that `text` tells itself."""
        state, stated = self.start, set[object]()
        for word in words_of(text):
            for part in _PART.findall(ascii_digits(word.text)):
                state = self._after(state, part)
                stated.update(self._ended(state))
            state = _passed(state, word.text)
        told = {str(amount) for amount in stated if isinstance(amount, int)}
        stated |= {number for number in self.numbers if any(one.startswith(number) for one in told)}
        stated |= {amount for amount in self.amounts if str(amount) in stated}
        days, numbers, codes = self.days - stated, self.numbers - stated, self.codes - stated
        return ValueMatcher(days, numbers, codes, self.amounts - stated, self.spoken)

    def _after(self, state: ValueState, part: str) -> ValueState:
        """Return the state after one more run of letters or of digits; a number in words is one number."""
        folded = fold(part)
        is_word = self.spoken and len(folded) <= MAX_SPELLED_CHARS
        parts = (*state.parts, _Part(folded, state.said, state.digits))[-MAX_SPELLED_WORDS:] if is_word else ()
        state = _after(state, part)._replace(parts=parts, spelled=None, last=part[-MAX_SPELLED_CHARS:])
        if not self.spoken.may_end_with(folded):
            return state
        run, first, number, before, is_count = "", None, 0, "", False
        for one, earlier in zip(reversed(parts), (*parts[-2::-1], None), strict=False):
            is_parted = one.folded[-1:].isdecimal() and run[:1].isdecimal()
            run = f"{one.folded}.{run}" if is_parted else one.folded + run
            if (found := self.spoken.number(run)) is not None:
                first, number, before = one, found, earlier.folded if earlier else ""
                is_count = may_count(found, run)
        if first is None:
            return state
        # "One hundred forty-eight thousand" is not the amount that it ends with.
        is_whole = before.isdecimal() or (before not in number_words() and before not in hundreds())
        spelled = number if is_whole else None
        last = _number(state, number)._replace(is_count=is_count)
        state = state._replace(said=(*first.said, last), between=0, spelled=spelled)
        is_read = first is parts[-1] and folded in number_words()
        return state if is_read or number >= 100 else _with_digits(state, first.digits, str(number))

    def _ended(self, state: ValueState) -> Iterator[object]:
        """Yield the values that end with the last word."""
        for number in self.numbers if state.added else ():
            if number in state.digits[-state.added - len(number) + 1 :]:
                yield number
        yield from (code for code in self.codes if code in state.read[-state.new - len(code) + 1 :])
        if state.spelled in self.amounts:
            yield state.spelled
        if state.between == 0:
            yield from (day for day in self.days if tells_day(state.said, day))


def _with_month(state: ValueState, part: str) -> ValueState:
    """Return the state after a word for a month: the number before it is one, or the next one."""
    if _may_be_month(state):
        *before, last = state.said
        month = MonthName((last.number,), part in MONTH_SIGNS)
        said = (*before, last._replace(month=month))
        return state._replace(said=said, added=0, is_ten=False, awaits=False)
    return state._replace(between=state.between + 1, added=0, is_ten=False, times=1, awaits=True)


def _may_be_month(state: ValueState) -> bool:
    """Whether the last word was a number up to 12."""
    return state.between == 0 and any(one.month is None and 0 < one.number <= 12 for one in state.said[-1:])


def _number(state: ValueState, number: int) -> Said:
    is_month = state.awaits and 0 < number <= 12
    return Said(state.place, number, MonthName((number,), False) if is_month else None)


def _pairs_of(numbers: Iterable[str]) -> frozenset[int]:
    """Return the digits of numbers, and each two that follow each other: as these are read in many languages."""
    pairs = (number[at : at + count] for number in numbers for at in range(len(number)) for count in (1, 2))
    return frozenset(int(pair) for pair in pairs if pair == "0" or not pair.startswith("0"))


def _with_digits(state: ValueState, before: str, digits: str) -> ValueState:
    """Return the state after a number in words, as its digits."""
    return state._replace(digits=(before + digits)[-_MAX_DIGITS:], added=len(digits), is_ten=False, times=1)


def _passed(state: ValueState, word: str) -> ValueState:
    """Return the state after a word; where each character is a word, two count as one."""
    return state._replace(place=state.place + (1 if len(word) == 1 and word > "\u3000" else WORD_PLACES))


def _beginning(text: str) -> Iterator[str]:
    digits = fold(ascii_digits(text))
    if kind_of(text) is PhraseKind.NUMBER or digits.isdecimal():
        digits = subscriber(ascii_digits(text.strip())) or digits
        if digits.isdecimal() and len(digits) >= MIN_DIGITS:
            yield digits if is_amount(text) else digits[: math.ceil(MIN_SHARE * len(digits))]
    elif (account := _ACCOUNT.search(digits)) is not None:
        yield account[0][: math.ceil(MIN_SHARE * len(account[0]))]


def _amount(text: str) -> Iterator[int]:
    """Yield the whole of a number that is an amount, with or without a currency, or a number without groups."""
    number = _CURRENCY.sub("", ascii_digits(text.strip()))
    whole = re.sub(r"[.,]\d{1,2}$", "", number) if is_amount(number) else number
    digits = fold(whole)
    least = MIN_AMOUNT_DIGITS if is_amount(number) else MIN_DIGITS
    if (
        digits.isdecimal()
        and (is_amount(number) or number.isdecimal())
        and least <= len(digits) <= MAX_AMOUNT_DIGITS
    ):
        yield int(digits)


def _numbers_of(days: Iterable[Day]) -> frozenset[int]:
    return frozenset(chain.from_iterable((day.day, day.month, day.year, day.year % 100) for day in days))


def _is_code(folded: str) -> bool:
    mixed = any(map(str.isdigit, folded)) and any(map(str.isalpha, folded))
    return mixed and MIN_DIGITS <= len(folded) <= _MAX_DIGITS


def _after(state: ValueState, part: str) -> ValueState:
    """Return the state after one more run of letters or of digits."""
    folded = fold(part)
    number = number_words().get(folded, folded)
    goes_on = state.is_ten and number != folded and len(number) == 1 and number != "0"
    read = (state.read[:-1] if goes_on else state.read) + number
    return _counted(state, part, folded)._replace(read=read[-2 * _MAX_DIGITS :], new=len(number))


def _counted(state: ValueState, part: str, folded: str) -> ValueState:
    words = number_words()
    is_sign = part in MONTH_SIGNS and _may_be_month(state)
    month = None if is_sign else month_named(state.last + part) or month_named(part)
    if month is None and (part in MONTH_SIGNS or folded in words_for_month()):
        return _with_month(state, part)
    if month is not None:
        state = state._replace(
            said=recent(state.said, Said(state.place, 0, month)), added=0, between=0, is_ten=False
        )
        if folded not in words:
            return state
    if folded in _TIMES:
        return state._replace(times=_TIMES[folded])
    spoken = words.get(folded)
    digits = folded if folded.isdecimal() else spoken
    if digits is None:
        between = state.between + 1
        gone = between > MAX_WORDS_BETWEEN
        digits = "" if gone else state.digits
        return state._replace(digits=digits, added=0, between=between, is_ten=False, times=1)
    if state.is_ten and spoken is not None and len(digits) == 1 and digits != "0":
        # Forty, four.
        number = state.said[-1].number + int(digits)
        joined = Said(state.place, number, is_count=may_count(number, folded))
        said = (*state.said[:-1], joined)
        return state._replace(digits=state.digits[:-1] + digits, added=1, between=0, is_ten=False, said=said)
    is_ten = spoken is not None and len(digits) == 2 and digits[1] == "0" and digits != "10"
    is_count = spoken is not None and may_count(int(digits), folded)
    read = (state.digits + digits * state.times)[-_MAX_DIGITS:]
    return ValueState(
        read,
        len(digits) * state.times,
        0,
        is_ten,
        1,
        state.place,
        recent(state.said, _number(state, int(digits[-9:]))._replace(is_count=is_count)),
    )
