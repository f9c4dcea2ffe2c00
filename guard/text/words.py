"""Splits text into words, as phrases and quotations count them."""

from __future__ import annotations

import re
from typing import NamedTuple

from guard.text.composition import MARKS

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"(?:[^\W_{_IDEOGRAPHS}]|[{MARKS}])"
# A Chinese or Japanese character counts as a word: these scripts have no spaces.
_WORD = re.compile(rf"([{_IDEOGRAPHS}]|{_LETTER}+(?:[-'’](?!s\b){_LETTER}+)*)(?:['’]s\b)?")
# The same of ASCII alone, in half of the time: nearly all phrases are.
_ASCII_WORD = re.compile(r"([A-Za-z0-9]+(?:[-'](?!s\b)[A-Za-z0-9]+)*)(?:'s\b)?")


class Word(NamedTuple):
    """A word and its characters [start, end) in the text; a possessive 's is not part of it."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Return the words of `text` in order."""
    return [Word(match[1], *match.span(1)) for match in _pattern(text).finditer(text)]


def word_texts(text: str) -> list[str]:
    """Return the texts of the words of `text`, in less time than the words."""
    found: list[str] = _pattern(text).findall(text)
    return found


def _pattern(text: str) -> re.Pattern[str]:
    return _ASCII_WORD if text.isascii() else _WORD
