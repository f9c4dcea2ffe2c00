"""The syntax of regular expressions that are matched in linear time: parsed to positions (Glushkov's automaton).

There are no back-references, look-arounds or anchors, so that nothing has to backtrack.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from guard.errors import InvalidTarget

MAX_POSITIONS = 512
"""Characters of an expression once its counted repetitions are written out."""
MAX_MATCH_CHARS = 256
"""A match is followed, and a stream held back, for so many characters at most."""
MAX_VALUES = 1_000
"""An expression with no more values is forbidden value by value, so that the token mask knows them."""
_UNBOUNDED = -1
_CLASSES = {"d": "0-9", "w": "0-9a-z_", "s": " "}
_ESCAPED = {"n": " ", "t": " ", "r": " ", "f": " ", "v": " "}


@lru_cache(maxsize=65_536)
def canonical(char: str) -> str:
    """Return what a character reads as, in expressions and in texts: one character, or "" for an invisible one.

    Case, width and the digits of other scripts do not matter; any dash is "-", any space " ".
    """
    if char.isascii():
        return " " if char.isspace() else char.lower()
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(char)
    if category == "Cf":
        return ""
    if category in ("Pd", "Zs", "Zl", "Zp") or char.isspace():
        return "-" if category == "Pd" else " "
    form = unicodedata.normalize("NFKC", char).lower()
    return form if len(form) == 1 else char


@dataclass(frozen=True, slots=True)
class CharSet:
    """Characters: those in `ranges`, or all others if `negated`. `words` also takes letters of all scripts."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False
    words: bool = False

    def __contains__(self, char: object) -> bool:
        text = str(char)
        found = any(first <= text <= last for first, last in self.ranges) or (self.words and text.isalnum())
        return found != self.negated

    @property
    def count(self) -> int:
        """How many characters it has; more than MAX_VALUES if these are not listed."""
        if self.negated or self.words:
            return MAX_VALUES + 1
        return sum(ord(last) - ord(first) + 1 for first, last in self.ranges)

    def chars(self) -> Iterator[str]:
        """Yield its characters, if they are listed."""
        for first, last in self.ranges:
            yield from map(chr, range(ord(first), ord(last) + 1))


class Node(NamedTuple):
    """A part of an expression by its positions: whether it may be empty, where it begins and ends, how long."""

    nullable: bool
    first: frozenset[int]
    last: frozenset[int]
    shortest: int


EMPTY = Node(True, frozenset(), frozenset(), 0)


class Parser:
    """Parses one expression by recursive descent: each of its characters becomes a position.

    sets    the characters of each position
    follow  the positions that may come after each
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern.removeprefix("(?i)")
        self._at = 0
        self._depth = 0
        self.sets: list[CharSet] = []
        self.follow: list[set[int]] = []

    def parse(self) -> Node:
        """Return the whole; InvalidTarget, with the field `value`, for what is no such expression or too large."""
        node = self._alternatives()
        if self._at < len(self._pattern):
            raise _invalid("has a bracket that was not opened")
        return node

    def _alternatives(self) -> Node:
        self._depth += 1
        if self._depth > 50:
            raise _invalid("is nested too deeply")
        node = self._sequence()
        while self._take("|"):
            other = self._sequence()
            node = Node(
                node.nullable or other.nullable,
                node.first | other.first,
                node.last | other.last,
                min(node.shortest, other.shortest),
            )
        self._depth -= 1
        return node

    def _sequence(self) -> Node:
        node = EMPTY
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            node = self._joined(node, self._repeated())
        return node

    def _joined(self, left: Node, right: Node) -> Node:
        for position in left.last:
            self.follow[position] |= right.first
        return Node(
            left.nullable and right.nullable,
            left.first | right.first if left.nullable else left.first,
            left.last | right.last if right.nullable else right.last,
            left.shortest + right.shortest,
        )

    def _repeated(self) -> Node:
        begins = self._at
        node = self._atom()
        ends = self._at
        times = self._times()
        # What has no character is not repeated: empty brackets in brackets would take exponential time.
        if times is None or not (node.first or node.last):
            return node
        least, most = times
        if self._peek() in ("*", "+", "?", "{"):
            raise _invalid("repeats a repetition")
        after = self._at
        # Each further copy is parsed again, so that it has positions of its own.
        copies = [node] + [self._copy(begins, ends) for _ in range(max(least, most, 1) - 1)]
        self._at = after
        if most == _UNBOUNDED:
            for position in copies[-1].last:
                self.follow[position] |= copies[-1].first
        result = EMPTY
        for number, copy in enumerate(copies):
            optional = copy._replace(nullable=True, shortest=0) if number >= least else copy
            result = self._joined(result, optional)
        return EMPTY if most == 0 else result

    def _copy(self, begins: int, ends: int) -> Node:
        self._at = begins
        node = self._atom()
        assert self._at == ends
        return node

    def _times(self) -> tuple[int, int] | None:
        """Return the least and the most times of a quantifier, if one comes next."""
        times: tuple[int, int] | None = None
        for sign, known in {"*": (0, _UNBOUNDED), "+": (1, _UNBOUNDED), "?": (0, 1)}.items():
            if self._take(sign):
                times = known
                break
        else:
            if not self._take("{"):
                return None
            times = self._counts()
        self._take("?")  # Lazy or greedy: what matches is the same.
        return times

    def _counts(self) -> tuple[int, int]:
        inside, closed, rest = self._pattern[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        if not closed or not (least or "0").isdecimal() or not (most or "0").isdecimal() or inside in ("", ","):
            raise _invalid("has a { that begins no count; write \\{")
        self._at = len(self._pattern) - len(rest)
        low, high = int(least or 0), (int(most) if most else _UNBOUNDED if comma else int(least))
        if (high != _UNBOUNDED and not low <= high <= MAX_MATCH_CHARS) or low > MAX_MATCH_CHARS:
            raise _invalid(f"repeats more than {MAX_MATCH_CHARS} times, or the most is below the least")
        return low, high

    def _atom(self) -> Node:
        char = self._next()
        if char == "(":
            if self._take("?") and not self._take(":"):
                raise _invalid("has a group of a kind that is not known: only (...) and (?:...) are")
            node = self._alternatives()
            if not self._take(")"):
                raise _invalid("has a bracket that is not closed")
            return node
        if char in "*+?{":
            raise _invalid("repeats nothing")
        if char in "^$":
            raise _invalid("has an anchor: values are found anywhere in a text")
        if char == ".":
            return self._position(CharSet((), negated=True))
        if char == "[":
            return self._position(self._set())
        return self._position(self._escape() if char == "\\" else _single(char))

    def _position(self, chars: CharSet) -> Node:
        if len(self.sets) >= MAX_POSITIONS:
            raise _invalid(f"is larger than {MAX_POSITIONS} characters once its repetitions are written out")
        self.sets.append(chars)
        self.follow.append(set())
        here = frozenset({len(self.sets) - 1})
        return Node(False, here, here, 1)

    def _escape(self) -> CharSet:
        char = self._next()
        if char.lower() in _CLASSES:
            inside = _CLASSES[char.lower()]
            ranges = tuple((inside[at], inside[at + 2]) for at in range(0, len(inside) - 2, 3))
            alone = inside[len(ranges) * 3 :]
            ranges += tuple((one, one) for one in alone)
            return CharSet(ranges, negated=char.isupper(), words=char.lower() == "w")
        if char in _ESCAPED:
            return _single(" ")
        if char.isalnum():
            raise _invalid(f"has \\{char}, which is not known here")
        return _single(char)

    def _set(self) -> CharSet:
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        words = False
        while not (self._peek() == "]" and ranges):
            char = self._next()
            one = self._escape() if char == "\\" else _single(char)
            if one.negated:
                raise _invalid("has a negated class inside [ ]")
            if len(one.ranges) == 1 and one.count == 1 and self._peek() == "-" and self._peek(1) not in ("]", ""):
                self._at += 1
                end = self._next()
                last = self._escape() if end == "\\" else _single(end)
                if last.count != 1 or last.ranges[0][0] < one.ranges[0][0]:
                    raise _invalid("has a range whose end is before its start")
                one = CharSet(((one.ranges[0][0], last.ranges[0][0]),))
            ranges += one.ranges
            words |= one.words
        self._at += 1
        return CharSet(tuple(ranges), negated, words)

    def _peek(self, ahead: int = 0) -> str:
        return self._pattern[self._at + ahead : self._at + ahead + 1]

    def _take(self, char: str) -> bool:
        found = self._peek() == char
        self._at += found
        return found

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise _invalid("ends too early")
        self._at += 1
        return char


def _single(char: str) -> CharSet:
    read = canonical(char) or char
    return CharSet(((read, read),))


def _invalid(what: str) -> InvalidTarget:
    return InvalidTarget(what, field="value")
