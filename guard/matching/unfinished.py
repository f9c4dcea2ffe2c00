"""Phrases that a text has left unfinished at its end: enough was said that the rest can be guessed.

The mask forbids the token that completes a phrase. Where nothing else may follow, or the limit of tokens is
reached, an answer stops one token short of it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np

from guard.matching.automaton import Automaton
from guard.text.folded_dates import is_day_and_month

MAX_MISSING_BYTES = 1_024
"""A phrase that lacks more than this is not looked for."""
# Once a mark has ended the last word, so many bytes of a phrase must be said for its last character to count.
_MIN_BYTES_BEFORE_MARK = 7
# Fewer digits are also years and counts, which end ordinary answers.
_MIN_TELLING_DIGITS = 8
_MIN_DIGITS_BEFORE_LAST = 3
_YEAR_DIGITS = 4
# Marks inside a word, or before one: the word goes on.
_JOINING_CATEGORIES = frozenset({"Pd", "Pc", "Ps", "Pi"})
_APOSTROPHES = frozenset("'\N{RIGHT SINGLE QUOTATION MARK}")


def unfinished(automaton: Automaton, begun: bytes, raw: str, *, past: bool = False) -> Iterator[int]:
    """Yield how many of the last bytes of `begun` are an unfinished phrase, the longest first. A border before the
    phrase does not count.

    `begun` is the folded end of a text from where a match in progress began, or earlier, and `raw` its last
    characters. A phrase is unfinished if more than two thirds of it are said, or more than half if the part said
    holds a digit (numbers, codes, secrets); a few digits alone are only if a single one is missing, and a day with
    its month not if the year is missing. Where a mark such as a full stop ends the text's last word, the answer
    has gone past the phrase, which counts only if a single character is missing; so it is where the text ended
    although nothing kept its author from ending the phrase (`past`).
    """
    ended = past or _ends_with_mark(raw)
    state = automaton.run(0, begun)
    while depth := automaton.depths[state]:
        begun = begun[-depth:]
        if _is_completed_within(automaton, state, _most_missing(begun, ended)):
            yield depth - automaton.lead(state)
        # The fail link: the longest proper suffix that begins a phrase too.
        state = automaton.run(0, begun[1:])


def _most_missing(said: bytes, ended: bool) -> int:
    """Return how many bytes a phrase may lack of which these are said."""
    if ended:
        # A character of the same script has as many bytes.
        return len(said.decode()[-1].encode()) if len(said) >= _MIN_BYTES_BEFORE_MARK else 0
    text = said.decode()
    if text.isdecimal() and len(text) < _MIN_TELLING_DIGITS:
        # Such as the year that a date begins with, or a count: it is the rest that tells.
        return 1 if len(text) >= _MIN_DIGITS_BEFORE_LAST else 0
    has_digit = any(map(str.isdigit, text))
    if has_digit and is_day_and_month(text):
        # Ordinary answers end with one, and it is the year that tells.
        return _YEAR_DIGITS - 1
    return min(len(said) - 1 if has_digit else (len(said) - 1) // 2, MAX_MISSING_BYTES)


def _is_completed_within(automaton: Automaton, state: int, count: int) -> bool:
    """Return whether at most `count` more bytes lead from `state` to the end of a phrase that begins with it."""
    states = np.array([state])
    for _ in range(count):
        following = np.unique(automaton.follow_all(states))
        # Every other edge leaves the phrase.
        further = automaton.depth[following] == automaton.depth[states[0]] + 1
        states = following[further & (following < automaton.first_late)]
        if not len(states):
            return False
        if any(automaton.phrase_at(one) >= 0 for one in states[automaton.accepting[states]].tolist()):
            return True
    return False


def _ends_with_mark(raw: str) -> bool:
    last = raw.rstrip()[-1:]
    category = unicodedata.category(last) if last else ""
    return category.startswith("P") and category not in _JOINING_CATEGORIES and last not in _APOSTROPHES
