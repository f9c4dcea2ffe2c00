"""JSON's escapes read as the characters they stand for, so that no spelling of a phrase hides in a string."""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_ESCAPE_LEVELS = 8
"""Levels of escapes that are read: JSON inside JSON escapes its escapes, and a text could do so without an end."""

_NOTHING = "\ufffd"
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# Longest first: a surrogate pair is one character.
_UNITS = re.compile(rf"{_HIGH}{_LOW}|\\u[0-9a-fA-F]{{4}}|\\[^u]|\\|[^\\]+", re.DOTALL)
# What may yet become another unit when more of the text comes.
_OPEN = re.compile(rf"(?:{_HIGH}(?:\\(?:u[0-9a-fA-F]{{0,3}})?)?|\\(?:u[0-9a-fA-F]{{0,3}})?)\Z")


class Read(NamedTuple):
    """A piece of raw text and what it reads as: `widths[k]` raw characters stand for the k-th character."""

    text: str
    widths: list[int]


class Unescaper:
    """Reads a text that comes in pieces; how it is cut changes when characters are read, never which."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, raw: str) -> Read:
        """What can be read after some more of the text; an escape that may go on is kept for later."""
        said = self._half + raw
        end = next((unit.start() for unit in _UNITS.finditer(said) if _OPEN.match(said, unit.start())), len(said))
        self._half = said[end:]
        return _read(said[:end])

    @property
    def pending(self) -> int:
        """How many raw characters are kept for later."""
        return len(self._half)


def unescape(text: str) -> str:
    """Return `text` with each escape of JSON's read once.

    A backslash or surrogate that escapes nothing reads as U+FFFD.
    """
    return _read(text).text


def readings(text: str) -> str:
    """Return `text` and, below it, whatever else it reads as, `MAX_ESCAPE_LEVELS` levels deep."""
    read = [text]
    while "\\" in read[-1] and len(read) <= MAX_ESCAPE_LEVELS:
        read.append(unescape(read[-1]))
    return "\n".join(read)


def _read(raw: str) -> Read:
    parts: list[str] = []
    widths: list[int] = []
    for unit in _UNITS.findall(raw):
        read = _character(unit) if unit[0] == "\\" else unit
        parts.append(read)
        widths.extend([1] * len(read) if read == unit else [len(unit)])
    return Read("".join(parts), widths)


def _character(unit: str) -> str:
    if len(unit) == 12:
        high, low = int(unit[2:6], 16), int(unit[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if len(unit) == 6:
        code = int(unit[2:], 16)
        return _NOTHING if 0xD800 <= code < 0xE000 else chr(code)
    return _SHORT.get(unit[1], unit[1]) if len(unit) == 2 else _NOTHING
