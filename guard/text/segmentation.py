"""Splits text of scripts without spaces into words: the likeliest split by word frequencies (Viterbi)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from guard.text.lexicon import ranks, simplified

_MAX_WORD_CHARS = 12
# In units of log rank: an unknown character costs more than two rare words, so that known words win.
_UNKNOWN_COST = 14.0
_WORD_COST = 2.0


class Segment(NamedTuple):
    """A piece [start, end) of the text; `rank` is its rank by frequency, None for characters of no known word."""

    text: str
    start: int
    end: int
    rank: int | None


def segments_of(text: str, language: str) -> list[Segment]:
    """Return the words of `text`, each as written, in order and without a gap; each unknown character by itself.

    The work is linear in the text. Chinese is looked up in simplified characters.
    """
    looked_up = text.translate(simplified()) if language == "zh" else text
    if len(looked_up) != len(text):
        looked_up = text
    known, longest = ranks(language), _longest(language)
    best = [0.0] * (len(text) + 1)
    back = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        best[end], back[end] = best[end - 1] + _UNKNOWN_COST, end - 1
        for start in range(max(0, end - longest), end):
            rank = known.get(looked_up[start:end])
            if rank is not None and best[start] + _WORD_COST + math.log(rank) < best[end]:
                best[end], back[end] = best[start] + _WORD_COST + math.log(rank), start
    return _traced(text, looked_up, back, known)


def _traced(text: str, looked_up: str, back: list[int], known: Mapping[str, int]) -> list[Segment]:
    found: list[Segment] = []
    end = len(text)
    while end:
        start = back[end]
        found.append(Segment(text[start:end], start, end, known.get(looked_up[start:end])))
        end = start
    return found[::-1]


@cache
def _longest(language: str) -> int:
    return min(_MAX_WORD_CHARS, max(map(len, ranks(language)), default=1))
