"""Whether a phrase tells enough to be forbidden by itself."""

from __future__ import annotations

from guard.text.english import hides_in_common_word, is_common, is_stop
from guard.text.normalise import ascii_digits, fold
from guard.text.words import words_of

_MIN_PHRASE_BYTES = 4
_MIN_DIGITS = 6


def is_specific(phrase: str) -> bool:
    """Whether the phrase is more than a stop word, a common word or a part of one, so that it can be forbidden."""
    folded = fold(ascii_digits(phrase))
    if folded.isdecimal():
        return len(folded) >= _MIN_DIGITS
    if len(folded.encode()) < _MIN_PHRASE_BYTES or hides_in_common_word(folded):
        return False
    words = [word.text for word in words_of(phrase)]
    return not all(map(is_stop, words)) and not (len(words) == 1 and is_common(words[0]))
