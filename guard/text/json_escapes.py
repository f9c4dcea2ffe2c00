"""Decodes JSON escapes, also incrementally, so that no spelling of a phrase hides in a string."""

from __future__ import annotations

import re
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


class Unescaped(NamedTuple):
    """Decoded text: its k-th character comes from `widths[k]` raw characters."""

    text: str
    widths: list[int]


class Unescaper:
    """Incremental unescaper: how a text is cut into pieces changes when characters are decoded, never which."""

    def __init__(self) -> None:
        self._pending_text = ""

    def feed(self, raw: str) -> Unescaped:
        """Take more raw text and return what it decodes to; an escape that may continue is kept for later."""
        raw = self._pending_text + raw
        end = next((unit.start() for unit in _UNITS.finditer(raw) if _OPEN.match(raw, unit.start())), len(raw))
        self._pending_text = raw[end:]
        return _read(raw[:end])

    @property
    def pending(self) -> int:
        """The number of raw characters kept for later."""
        return len(self._pending_text)


def unescape(text: str) -> str:
    """Return `text` with each JSON escape decoded once.

    A backslash or surrogate that escapes nothing decodes to U+FFFD.
    """
    return _read(text).text


def readings(text: str) -> str:
    """Return `text` and, on further lines, what it decodes to, level by level, up to `MAX_ESCAPE_LEVELS`."""
    read = [text]
    while "\\" in read[-1] and len(read) <= MAX_ESCAPE_LEVELS:
        read.append(unescape(read[-1]))
    return "\n".join(read)


def _read(raw: str) -> Unescaped:
    parts: list[str] = []
    widths: list[int] = []
    for unit in _UNITS.findall(raw):
        read = _character(unit) if unit[0] == "\\" else unit
        parts.append(read)
        widths.extend([1] * len(read) if read == unit else [len(unit)])
    return Unescaped("".join(parts), widths)


def _character(unit: str) -> str:
    if len(unit) == 12:
        high, low = int(unit[2:6], 16), int(unit[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if len(unit) == 6:
        code = int(unit[2:], 16)
        return _NOTHING if 0xD800 <= code < 0xE000 else chr(code)
    return _SHORT.get(unit[1], unit[1]) if len(unit) == 2 else _NOTHING
