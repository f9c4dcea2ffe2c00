"""Splits text of scripts without spaces into words: the likeliest split by word frequencies (Viterbi).

And tells by it whether a short name in such a text is a word of its own there, or inside a longer one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import islice
from typing import NamedTuple

from guard.text.lexicon import ranks, simplified

MAX_LONGER_WORDS = 64
_MAX_WORD_CHARS = 12
# In units of log rank: an unknown character costs more than two rare words, so that known words win.
_UNKNOWN_COST = 14.0
_WORD_COST = 2.0
# Of a name, or a commoner one: names are told of more often than their words are used.
_NAME_RANK = 400
_ROUNDING = 1e-9
_MAX_NAME_CHARS = 4
_THAI = re.compile("[\u0e01-\u0e4e]")
_KANA = re.compile("[\u3041-\u30ff]")
_UNSPACED = re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e]+|[\u3041-\u30ff\u3400-\u9fff]+")


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
    looked_up = _looked_up(text, language)
    _, back = _best(looked_up, language)
    return _traced(text, looked_up, back, ranks(language))


def is_word_in(text: str, start: int, end: int) -> bool:
    """Whether the name [start, end) in a text of Thai, Chinese or Japanese is a word there: not มา in มาก.

    It is, if a split of the text around it with the name as a word is as likely as any other. Of other scripts,
    and where the name is longer than words are, it always is.
    """
    if end - start > _MAX_NAME_CHARS or not (run := _unspaced_run(text, start, end)):
        return True
    first, last = run.start(), run.end()
    language = "th" if _THAI.match(text[start]) else "ja" if _KANA.search(run[0]) else "zh"
    split = _best(_looked_up(text[first:last], language), language)[0][-1]
    before, after = (
        _best(_looked_up(part, language), language)[0][-1] for part in (text[first:start], text[end:last])
    )
    rank = ranks(language).get(_looked_up(text[start:end], language), _NAME_RANK)
    return before + _WORD_COST + math.log(min(rank, _NAME_RANK)) + after <= split + _ROUNDING


def _unspaced_run(text: str, start: int, end: int) -> re.Match[str] | None:
    """Return the run of characters around the name, so many at most that words next to it are whole."""
    around = _UNSPACED.finditer(text, max(0, start - _MAX_WORD_CHARS), end + _MAX_WORD_CHARS)
    return next((run for run in around if run.start() <= start and end <= run.end()), None)


def _looked_up(text: str, language: str) -> str:
    looked_up = text.translate(simplified()) if language == "zh" else text
    return looked_up if len(looked_up) == len(text) else text


def _best(text: str, language: str) -> tuple[list[float], list[int]]:
    """Return the cost of the likeliest split of each beginning of `text`, and where its last word begins."""
    known, longest = ranks(language), _longest(language)
    best = [0.0] * (len(text) + 1)
    back = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        best[end], back[end] = best[end - 1] + _UNKNOWN_COST, end - 1
        for start in range(max(0, end - longest), end):
            rank = known.get(text[start:end])
            if rank is not None and best[start] + _WORD_COST + math.log(rank) < best[end]:
                best[end], back[end] = best[start] + _WORD_COST + math.log(rank), start
    return best, back


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


@lru_cache(maxsize=4_096)
def longer_words(name: str) -> tuple[str, ...]:
    """Return the words of Thai, Chinese or Japanese that contain a short name in such a script, commonest first.

    There are MAX_LONGER_WORDS at most. A word of Thai that adds a single consonant at the end is left out unless
    the name is a word itself, as the consonant may begin the next word.
    """
    if not 1 < len(name) <= _MAX_NAME_CHARS or not _UNSPACED.fullmatch(name):
        return ()
    languages = ("th",) if _THAI.match(name) else ("ja",) if _KANA.search(name) else ("zh", "ja")
    longer = (word for language in languages for word in _containing(name, language))
    return tuple(dict.fromkeys(islice(longer, MAX_LONGER_WORDS)))


def _containing(name: str, language: str) -> Iterator[str]:
    words, sought = _joined(language), _looked_up(name, language)
    common = sought in ranks(language)
    at = words.find(sought)
    while at >= 0:
        first, last = words.rindex("\n", 0, at) + 1, words.index("\n", at)
        word = words[first:last]
        if word != sought and (common or language != "th" or word != sought + word[-1]):
            yield word
        at = words.find(sought, last)


@cache
def _joined(language: str) -> str:
    """Return the words of a language, commonest first, each between line ends."""
    return "\n" + "\n".join(ranks(language)) + "\n"
