"""Splits text into words, as phrases and quotations count them."""

from __future__ import annotations

import re
from typing import NamedTuple

from guard.text.composition import MARKS

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"(?:[^\W_{_IDEOGRAPHS}]|[{MARKS}])"
# A Chinese or Japanese character counts as a word: these scripts have no spaces.
_WORD = re.compile(rf"([{_IDEOGRAPHS}]|{_LETTER}+(?:[-'’](?!s\b){_LETTER}+)*)(?:['’]s\b)?")


class Word(NamedTuple):
    """A word and its characters [start, end) in the text; a possessive 's is not part of it."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Return the words of `text` in order."""
    return [Word(match[1], match.start(1), match.end(1)) for match in _WORD.finditer(text)]
