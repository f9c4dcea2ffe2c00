"""Classes of values: all IBANs, all cards, all phone numbers of a country, what a regular expression describes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

from guard.errors import InvalidTarget
from guard.patterns.checks import is_card, is_email, is_iban, is_issued, is_phone, knows_phones_of, national_ids
from guard.patterns.expression import Expression, State
from guard.patterns.pattern import WHOLE_CLASS, Pattern, PatternKind
from guard.patterns.syntax import MAX_MATCH_CHARS, canonical

MIN_EXPRESSION_CHARS = 4
"""The shortest match of a regular expression: shorter ones are found in ordinary text."""


class _Form(NamedTuple):
    """What values look like, before their own rules decide, and a sign that each of them has."""

    expression: str
    sign: re.Pattern[str]


MIN_ID_CHARS = 8
"""The shortest national id of a whole class: six digits are also a date, and valid as the number of a club."""
MAX_STARTS = 4
"""Places where values began that came to one state: before an id, the words "is a" look like letters of it."""
# What may stand between the groups of a value: " - ", the asterisks of Markdown.
_BETWEEN = "[ ./_*-]{0,5}"
# An amount, and no phone number.
_GROUPED = re.compile(r"\d{1,3}(?:[,.]\d{3})+")
_DIGIT, _AT = re.compile(r"\d"), re.compile("[@\uff20\ufe6b]")
_FORMS = {
    PatternKind.IBAN: _Form(
        f"[a-z]{_BETWEEN}[a-z](?:{_BETWEEN}[0-9]){{2}}(?:{_BETWEEN}[a-z0-9]){{11,30}}", _DIGIT
    ),
    PatternKind.PHONE: _Form(r"(?:\+[ (]?)?\(?[0-9](?:[ ()./-]{0,3}[0-9]){5,16}", _DIGIT),
    PatternKind.EMAIL: _Form(r"[\w.%+-]+@(?:[\w-]+\.)+\w{2,24}", _AT),
    PatternKind.CARD: _Form(f"[0-9](?:{_BETWEEN}[0-9]){{11,18}}", _DIGIT),
    PatternKind.NATIONAL_ID: _Form(
        f"(?:[a-z]{{1,6}}{_BETWEEN}){{0,2}}[0-9](?:{_BETWEEN}[a-z0-9]){{4,20}}", _DIGIT
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class ValueClass:
    """A class of values.

    expression  how a value looks
    is_valid    whether a text that looks like one is one
    sign        found in every value of the class, if anything is
    bordered    whether letters and digits beside it make it another value
    """

    expression: Expression = field(repr=False)
    is_valid: Callable[[str], bool] | None = None
    sign: re.Pattern[str] | None = None
    bordered: bool = True


def is_class(pattern: Pattern) -> bool:
    """Whether `pattern` names all values of a form, not one value."""
    return pattern.kind is PatternKind.REGEX or pattern.value.strip() == WHOLE_CLASS


def classes_of(patterns: Iterable[Pattern]) -> tuple[ValueClass, ...]:
    """Return the classes among `patterns` whose values cannot be listed; equal ones are the same object.

    Raises InvalidTarget as `class_of` does.
    """
    classes = (
        class_of(pattern.kind, pattern.value, pattern.country.lower()) for pattern in patterns if is_class(pattern)
    )
    return tuple(one for one in classes if one.expression.values is None)


@lru_cache(maxsize=1024)
def class_of(kind: PatternKind, value: str, country: str) -> ValueClass:
    """Return the class that a pattern names; InvalidTarget, with the member at fault, if there is none."""
    if kind is PatternKind.REGEX:
        expression = Expression(value.strip())
        if expression.shortest < MIN_EXPRESSION_CHARS:
            raise InvalidTarget(
                f"matches texts of fewer than {MIN_EXPRESSION_CHARS} characters, which ordinary answers hold",
                field="value",
            )
        return ValueClass(expression, bordered=False)
    if kind not in _FORMS:
        raise InvalidTarget("has no whole class: name a value", field="value")
    if kind is PatternKind.PHONE and country and not knows_phones_of(country):
        raise InvalidTarget("has no numbering plan that is known", field="country")
    if kind is PatternKind.NATIONAL_ID and not (country and national_ids(country)):
        raise InvalidTarget(
            "is needed, of a country whose national ids have rules that are known", field="country"
        )
    form = _FORMS[kind]
    return ValueClass(_expression(form.expression), _validator(kind, country), form.sign)


@cache
def _expression(form: str) -> Expression:
    return Expression(form)


def _validator(kind: PatternKind, country: str) -> Callable[[str], bool]:
    match kind:
        case PatternKind.IBAN:
            return lambda text: text.startswith(country) and is_iban(_letters_and_digits(text))
        case PatternKind.PHONE:
            return lambda text: not _GROUPED.fullmatch(text) and is_phone(text, country)
        case PatternKind.NATIONAL_ID:
            known = national_ids(country)
            return lambda text: any(module.is_valid(form) for form in _ids(text) for module in known)
        case PatternKind.CARD:
            return lambda text: is_issued(text) and is_card(text)
        case _:
            return is_email


def _letters_and_digits(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _ids(text: str) -> tuple[str, ...]:
    """Return how an id may be given to its rules: some want the sign in the middle, others know none."""
    joined = _letters_and_digits(text)
    digits = sum(map(str.isdigit, joined))
    # An Italian one has the fewest digits, 7 of 16; "in 1984 he went to" has fewer.
    is_likely = len(joined) >= MIN_ID_CHARS and digits >= 0.4 * len(joined)
    return tuple(dict.fromkeys((text, joined))) if is_likely else ()


class ClassMatcher:
    """Follows the values of one class through a text, character by character."""

    def __init__(self, value_class: ValueClass, *, after_word: bool = False) -> None:
        """`after_word`: a letter or digit stands before the text."""
        self._class = value_class
        self._after_word = after_word
        # Where the values in progress began, the earliest first.
        self._live: dict[State, tuple[int, ...]] = {}
        # Where values began that have ended, unless the next character belongs to them.
        self._ended: list[int] = []

    @property
    def earliest(self) -> int | None:
        """Where the earliest value in progress began, if there is one."""
        return min([*chain.from_iterable(self._live.values()), *self._ended], default=None)

    def take(self, text: str, at: int, char: str) -> int | None:
        """Take `char`, how the character at `at` of `text` reads; return where a value began if one has ended."""
        is_word = char.isalnum()
        if self._ended:
            ended = None if is_word else self.end(text, at)
            self._ended.clear()
            if ended is not None:
                return ended
        bordered = self._class.bordered
        candidates = list(self._live.items())
        if not (bordered and self._after_word and is_word):
            candidates.append((self._class.expression.start, (at,)))
        self._live, self._after_word = {}, is_word
        for state, began in candidates:
            after = self._class.expression.step(state, char)
            if after is None:
                continue
            # Of a longer value, the beginning is let go.
            starts = tuple(max(start, at - MAX_MATCH_CHARS) for start in began)
            if after.accepts:
                if not bordered:
                    return starts[0]
                self._ended += starts
            self._live[after] = (*self._live.get(after, ()), *starts)[: MAX_STARTS if bordered else 1]
        return None

    def end(self, text: str, at: int) -> int | None:
        """Return where a valid value began that ends at `at`, where a border or the end of the text follows."""
        for start in self._ended:
            if self._class.is_valid is None or self._class.is_valid("".join(map(canonical, text[start:at]))):
                return start
        return None

    def forget_ended(self) -> None:
        """Let no value count that ends here."""
        self._ended.clear()

    def copy(self) -> ClassMatcher:
        """Return a matcher in the same state, which reads on by itself."""
        twin = copy.copy(self)
        twin._live, twin._ended = dict(self._live), list(self._ended)
        return twin

    def cut(self, count: int) -> None:
        """Say that the text now begins `count` characters later."""
        self._live = {state: tuple(start - count for start in starts) for state, starts in self._live.items()}
        self._ended = [start - count for start in self._ended]


def found_in(value_class: ValueClass, text: str) -> bool:
    """Whether `text` holds a value of the class."""
    return any(_found_in_window(value_class, text, window) for window in _windows(value_class, text))


def _found_in_window(value_class: ValueClass, text: str, window: tuple[int, int]) -> bool:
    first, last = window
    matcher = ClassMatcher(value_class, after_word=text[max(0, first - 1) : first].isalnum())
    for at in range(first, last):
        if (char := canonical(text[at])) and matcher.take(text, at, char) is not None:
            return True
    return matcher.end(text, last) is not None and not text[last : last + 1].isalnum()


def _windows(value_class: ValueClass, text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of `text` that can hold values: those around the sign that each of them has."""
    if value_class.sign is None:
        yield 0, len(text)
        return
    first = last = 0
    for sign in value_class.sign.finditer(text):
        if sign.start() - MAX_MATCH_CHARS > last:
            if last:
                yield first, last
            first = max(0, sign.start() - MAX_MATCH_CHARS)
        last = min(len(text), sign.end() + MAX_MATCH_CHARS)
    if last:
        yield first, last
