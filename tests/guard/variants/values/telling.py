"""Whether a text tells a value, read word by word."""

from __future__ import annotations

from guard.text.words import words_of
from guard.variants.values.value_matcher import ValueMatcher


def tells(phrase: str, text: str) -> bool:
    """Return whether `text` tells the value of `phrase`."""
    values = ValueMatcher.of([phrase])
    state, told = values.start, False
    for word in words_of(text):
        state, found = values.step(state, word.text)
        told = told or found
    return told
