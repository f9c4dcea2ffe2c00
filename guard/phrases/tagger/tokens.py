"""Tokens for the tagger: words, characters of Chinese and Japanese, and punctuation marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from guard.text.segmentation import Segment, segments_of

EAST_ASIAN = ("zh", "ja")
"""Languages of which each character is a token."""
_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06ed\u0900-\u0963\u0970-\u0dff\u0e30-\u0e4e"
)
_TOKEN = re.compile(rf"(?:\w|[{_MARKS}])+(?:['’\"״׳-](?=[^\W가-힣])(?:\w|[{_MARKS}])+)*|[^\w\s]")
_EAST_ASIAN_TOKEN = re.compile(r"[A-Za-z\uff21-\uff3a\uff41-\uff5a]+|\d+|\S")
_THAI = re.compile("[\u0e01-\u0e4e]")
_APOSTROPHE = re.compile("['’]")
_ELIDED = re.compile(r"(?i)(?:[ldsnjmtc]|qu|jusqu|lorsqu|puisqu|dell|nell|all|dall|sull|un)['’](?=\w)")
_ELIDING = frozenset({"fr", "it", "ca"})
# Korean particles after a final consonant, after a vowel, and after either.
_AFTER_CONSONANT = frozenset(
    "은 이 을 과 으로 이라는 이라고 이고 이며 이나 이랑 이란 이었다 이다 이라 으로는 이었던 이었고 이던".split()  # noqa: SIM905
)
_AFTER_VOWEL = frozenset("는 가 를 와 로 라는 라고 고 며 나 랑 란 였다 다 라 로는 였던 였고".split())  # noqa: SIM905
_AFTER_ANY = frozenset(
    "의 에 에서 에게 에게서 께서 께 도 만 부터 까지 처럼 보다 에는 에도 에서는 에서도 에게는 한테 한테서 하고 네"  # noqa: SIM905
    " 씨 씨는 씨가 씨의 씨를 님 님은 님이 들 들이 들은".split()
)
# ㄹ is followed by some particles as a vowel is.
_AFTER_RIEUL, _RIEUL = frozenset({"로", "로는"}), 8
_FIRST_SYLLABLE, _LAST_SYLLABLE, _FINALS = 0xAC00, 0xD7A3, 28
_MAX_PARTICLE, _MIN_KOREAN_STEM = 4, 2


class Token(NamedTuple):
    """A piece [start, end) of the text, and the word that it is a character of in Chinese and Japanese."""

    text: str
    start: int
    end: int
    segment: Segment | None = None


def tokens_of(text: str, language: str) -> list[Token]:
    """Return the tokens of `text` in order, none of which holds white space; the work is linear in the text."""
    if language in EAST_ASIAN:
        segments = segments_of(text, language)
        at = {position: segment for segment in segments for position in range(segment.start, segment.end)}
        return [
            Token(match[0], match.start(), match.end(), at[match.start()])
            for match in _EAST_ASIAN_TOKEN.finditer(text)
        ]
    return [token for match in _TOKEN.finditer(text) for token in _split(match[0], match.start(), language)]


def _split(word: str, start: int, language: str) -> Iterator[Token]:
    """Yield a word, or its parts: with what is elided before it and its particle apart."""
    end = start + len(word)
    middle = len(word)
    if language == "th" and _THAI.search(word):
        yield from _thai(word, start)
        return
    if language == "tr" and (apostrophe := _APOSTROPHE.search(word, 1)):
        # The ending is no part of the name, and tells nothing.
        yield Token(word[: apostrophe.start()], start, start + apostrophe.start())
        return
    if language in _ELIDING and (elided := _ELIDED.match(word)):
        middle = elided.end()
    elif language == "ko":
        middle = _korean_stem(word)
    yield Token(word[:middle], start, start + middle)
    if middle < len(word):
        yield Token(word[middle:], start + middle, end)


def _thai(text: str, offset: int) -> Iterator[Token]:
    """Yield the words of a run without spaces; unknown characters next to each other are one token."""
    unknown: Token | None = None
    for segment in segments_of(text, "th"):
        start, end = offset + segment.start, offset + segment.end
        if segment.rank is None:
            first = unknown.start if unknown else start
            unknown = Token(text[first - offset : segment.end], first, end)
            continue
        if unknown:
            yield unknown
            unknown = None
        yield Token(segment.text, start, end)
    if unknown:
        yield unknown


def _korean_stem(word: str) -> int:
    """Return where the particle of a word begins: the longest one that may follow the sound before it."""
    for length in range(min(_MAX_PARTICLE, len(word) - _MIN_KOREAN_STEM), 0, -1):
        before, particle = ord(word[-length - 1]), word[-length:]
        final = (before - _FIRST_SYLLABLE) % _FINALS if _FIRST_SYLLABLE <= before <= _LAST_SYLLABLE else 0
        fitting = _AFTER_CONSONANT if final else _AFTER_VOWEL
        if not _FIRST_SYLLABLE <= before <= _LAST_SYLLABLE:
            # After a digit or Latin letter its sound decides, which is not looked up.
            fitting = _AFTER_CONSONANT | _AFTER_VOWEL
        if particle in _AFTER_ANY or particle in fitting or (final == _RIEUL and particle in _AFTER_RIEUL):
            return len(word) - length
    return len(word)
