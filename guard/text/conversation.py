"""Messages of a conversation, and the windows of words in which the detector reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from unicodedata import decimal, normalize

from guard.text.composition import compose
from guard.text.json_escapes import readings
from guard.text.normalise import TAGS, fold_char

WINDOW_WORDS = 64
STRIDE_WORDS = 48
MAX_SPLIT_LINES = 8

# Scripts written without spaces between words: Thai to Myanmar, Hangul jamo, Khmer, and all of East Asia.
UNSPACED = "\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"

# A run without a space counts as one word per 16 characters, so that a window never exceeds the encoder's input.
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]{{1,16}}")
_PIECE = re.compile(rf"[{UNSPACED}]+|[^\s{UNSPACED}]{{1,64}}|\s+")
_LATIN = re.compile("[A-Za-z]")
_LABEL = re.compile(r"^\s*\w{1,16}:\s+")
BESIDE = frozenset({"context", "document"})
"""Roles of what a model reads beside the turns of a conversation, such as tools and documents."""
_STOPS = ".!?。！？؟\n"
_SENTENCE = re.compile(rf"[^{_STOPS}]+[{_STOPS}]?")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; its text never shows in a repr.

    written  the text as it was written, where `text` also has what its escapes decode to; empty: `text` itself
    """

    role: str
    text: str = field(repr=False)
    written: str = field(default="", repr=False)


def message(role: str, text: str) -> Message:
    """Return the turn of a text as it was written: tool results and arguments are JSON in a string, whose escapes
    must not hide a phrase."""
    read = readings(text)
    return Message(role, text) if read == text else Message(role, read, text)


def windows(text: str) -> tuple[str, ...]:
    """Return windows of at most WINDOW_WORDS words that cover `text`, and each of its questions as a window.

    Consecutive windows share 16 words, so that a short question inside a long text is in one window. Words in
    Latin letters, or disguised as such, are folded as names are, others lose their case, and separators stay: the
    encoder reads words. The windows are distinct and in the order of the text, with its questions last; a blank
    text has none.
    """
    plain = _plain(text)
    asked = (sentence.strip() for sentence in _SENTENCE.findall(plain) if sentence[-1] in "?？؟")
    short = (question for question in asked if len(_WORD.findall(question)) <= WINDOW_WORDS)
    return tuple(dict.fromkeys((*_slices(plain), *short)))


def message_windows(text: str) -> tuple[str, ...]:
    """Return the windows of a message, and if it has 2 to MAX_SPLIT_LINES lines, of each line without its label.

    A label is "Question: " and the like. The text around a question would move the message's own vector away from
    the question's.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    alone = lines if 2 <= len(lines) <= MAX_SPLIT_LINES else ()
    own = (window for line in alone for window in windows(_LABEL.sub("", line, count=1)))
    return tuple(dict.fromkeys((*windows(text), *own)))


def _plain(text: str) -> str:
    return "".join(map(_plain_piece, _PIECE.findall(compose(text))))


def _plain_piece(piece: str) -> str:
    if piece.isascii():
        return piece.lower()
    # A word of another alphabet folds to a mixture of look-alikes and its own letters, which no encoder knows.
    if _LATIN.search(piece) or not any(map(_is_foreign, piece)):
        return "".join(map(_plain_character, piece))
    return normalize("NFKC", piece).casefold()


@lru_cache(maxsize=65_536)
def _plain_character(char: str) -> str:
    if ord(char) in TAGS:
        return ""
    return str(decimal(char)) if char.isdecimal() else fold_char(char) or char


@lru_cache(maxsize=65_536)
def _is_foreign(char: str) -> bool:
    """Whether this is a letter that does not look like letters of ASCII."""
    shown = _plain_character(char)
    return char.isalpha() and not (shown.isascii() and shown.isalpha())


def _slices(text: str) -> list[str]:
    words = [word.span() for word in _WORD.finditer(text)]
    # The last window starts only where the one before stopped short of the end: it is never contained in that.
    starts = range(0, max(len(words) - (WINDOW_WORDS - STRIDE_WORDS), 1), STRIDE_WORDS) if words else ()
    ends = ((start, min(start + WINDOW_WORDS, len(words)) - 1) for start in starts)
    return [text[words[start][0] : words[end][1]] for start, end in ends]
