"""Decodes escapes of JSON or others, also incrementally, so that no spelling of a phrase hides in a string."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

MAX_ESCAPE_LEVELS = 8
"""Levels of escapes that are decoded: JSON inside JSON escapes its escapes, and a text could nest without end."""

_NOTHING = "\ufffd"
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Longest first: a surrogate pair is one character.
_UNITS = re.compile(rf"{_HIGH}{_LOW}|\\u[0-9a-fA-F]{{4}}|\\[^u]|\\|[^\\]+", re.DOTALL)
# What may become another unit when more text comes.
_OPEN = re.compile(rf"(?:{_HIGH}(?:\\(?:u[0-9a-fA-F]{{0,3}})?)?|\\(?:u[0-9a-fA-F]{{0,3}})?)\Z")


class Escapes(NamedTuple):
    """A kind of escapes.

    signs  one of these is in every escape
    units  finds one escape, or what is none, after the other, without a gap
    open   matches the beginning of an escape that the text ends in
    read   returns what a unit says: itself if it is no escape
    """

    signs: re.Pattern[str]
    units: re.Pattern[str]
    open: re.Pattern[str]
    read: Callable[[str], str]

    def may_be_in(self, text: str) -> bool:
        """Whether `text` has a sign of these escapes."""
        return self.signs.search(text) is not None


class Unescaped(NamedTuple):
    """Decoded text: its k-th character comes from `widths[k]` raw characters.

    Of several characters from one escape the last one has them all, so that it is released as a whole.
    """

    text: str
    widths: list[int]


class Unescaper:
    """Incremental unescaper: how a text is cut into pieces changes when characters are decoded, never which."""

    def __init__(self, escapes: Escapes | None = None) -> None:
        """Those of JSON, if no `escapes` are given."""
        self._escapes = escapes or JSON
        self._pending_text = ""

    def feed(self, raw: str) -> Unescaped:
        """Take more raw text and return what it decodes to; an escape that may continue is kept for later."""
        raw = self._pending_text + raw
        units, opens = self._escapes.units.finditer(raw), self._escapes.open
        end = next((unit.start() for unit in units if opens.match(raw, unit.start())), len(raw))
        self._pending_text = raw[end:]
        return _read(raw[:end], self._escapes)

    @property
    def pending(self) -> int:
        """The number of raw characters kept for later."""
        return len(self._pending_text)


def unescape(text: str) -> str:
    """Return `text` with each JSON escape decoded once.

    A backslash or surrogate that escapes nothing decodes to U+FFFD.
    """
    return _read(text, JSON).text


def readings(text: str) -> str:
    """Return `text` and, on further lines, what it decodes to, level by level, up to `MAX_ESCAPE_LEVELS`."""
    read = [text]
    while "\\" in read[-1] and len(read) <= MAX_ESCAPE_LEVELS:
        read.append(unescape(read[-1]))
    return "\n".join(read)


def _read(raw: str, escapes: Escapes) -> Unescaped:
    parts: list[str] = []
    widths: list[int] = []
    for unit in escapes.units.findall(raw):
        read = escapes.read(unit)
        parts.append(read)
        widths.extend([1] * len(read) if read == unit else [*[0] * (len(read) - 1), len(unit)])
    return Unescaped("".join(parts), widths)


def _character(unit: str) -> str:
    if unit[0] != "\\":
        return unit
    if len(unit) == 12:
        high, low = int(unit[2:6], 16), int(unit[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if len(unit) == 6:
        code = int(unit[2:], 16)
        return _NOTHING if 0xD800 <= code < 0xE000 else chr(code)
    return _SHORT.get(unit[1], unit[1]) if len(unit) == 2 else _NOTHING


JSON = Escapes(re.compile(r"\\"), _UNITS, _OPEN, _character)
