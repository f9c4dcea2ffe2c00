"""Splits text into words, as phrases and quotations count them."""

from __future__ import annotations

import re
from typing import NamedTuple

# A Chinese or Japanese character counts as a word: these scripts have no spaces.
_WORD = re.compile(
    r"([\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:[-'’](?!s\b)[^\W_]+)*)(?:['’]s\b)?"
)


class Word(NamedTuple):
    """A word and its characters [start, end) in the text; a possessive 's is not part of it."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Return the words of `text` in order."""
    return [Word(match[1], match.start(1), match.end(1)) for match in _WORD.finditer(text)]
