"""What the detector reads: the messages of a conversation, and the windows they are read in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from guard.text.normalise import fold_char

WINDOW_WORDS = 64
STRIDE_WORDS = 48
MOST_LINES = 8

# Scripts written without spaces between words: Thai to Myanmar, Hangul jamo, Khmer, and all of East Asia.
UNSPACED = "\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"

# A run without a space counts as one word per 16 characters, so that a window never outgrows the encoder.
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]{{1,16}}")
_LABEL = re.compile(r"^\s*\w{1,16}:\s+")
_STOPS = ".!?。！？؟\n"
_SENTENCE = re.compile(rf"[^{_STOPS}]+[{_STOPS}]?")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; its text never shows in a repr."""

    role: str
    text: str = field(repr=False)


def windows(text: str) -> tuple[str, ...]:
    """Every part of `text` is in a window of at most 64 words; a sentence that asks is a window of its own.

    Consecutive windows share 16 words, so that a short question inside a long text is seen whole. Case,
    marks and look-alike letters are folded as names are, while separators stay: the encoder reads words.
    Distinct windows in the order of the text, its questions last; none for a blank text.
    """
    plain = "".join(fold_char(character) or character for character in text)
    asked = (sentence.strip() for sentence in _SENTENCE.findall(plain) if sentence[-1] in "?？؟")
    short = (question for question in asked if len(_WORD.findall(question)) <= WINDOW_WORDS)
    return tuple(dict.fromkeys((*_slices(plain), *short)))


def readings(text: str) -> tuple[str, ...]:
    """The windows of a message, and each line of one of 2 to 8 lines by itself, without its label ("Question: ").

    What surrounds a question would draw the message's own window away from it.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    alone = lines if 2 <= len(lines) <= MOST_LINES else ()
    own = (window for line in alone for window in windows(_LABEL.sub("", line, count=1)))
    return tuple(dict.fromkeys((*windows(text), *own)))


def _slices(text: str) -> list[str]:
    words = [word.span() for word in _WORD.finditer(text)]
    # The last window starts where the one before it stopped short of the end, never as a mere tail of it.
    starts = range(0, max(len(words) - (WINDOW_WORDS - STRIDE_WORDS), 1), STRIDE_WORDS) if words else ()
    ends = ((start, min(start + WINDOW_WORDS, len(words)) - 1) for start in starts)
    return [text[words[start][0] : words[end][1]] for start, end in ends]
