"""Dates, numbers and codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.phrases.phrase import Phrase, PhraseKind

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"\b(?:{_DAY}(?: of)? {_MONTH}(?:,? \d{{4}})?|{_MONTH} {_DAY}(?:,? \d{{4}})?|{_MONTH},? \d{{4}}"
    r"|\d{1,4}([/.-])\d{1,2}\1\d{1,4})\b"
)
_NUMBER = re.compile(
    r"\+\d[\d ().-]{6,20}\d|(?:\(\d{3}\) ?|\b\d{3}[-. ])\d{3}[-. ]\d{4}\b|\d+(?:[,.]\d{3})*(?:\.\d+)?"
)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|s)", re.IGNORECASE)


def dates(text: str) -> Iterator[Phrase]:
    """Yield the dates of `text` that name a day, or a month and a year."""
    return (Phrase(match[0], PhraseKind.DATE, "date") for match in _DATE.finditer(text))


def numbers(text: str) -> Iterator[Phrase]:
    """Yield telephone numbers and amounts."""
    return (Phrase(match[0], PhraseKind.NUMBER, "number") for match in _NUMBER.finditer(text))


def codes(text: str) -> Iterator[Phrase]:
    """Yield addresses, and words that mix letters and digits: keys, plates, postcodes."""
    for chunk in text.split():
        code = chunk.strip("()[]<>\"'“”‘’.,;:!?")
        mixed = any(c.isdigit() for c in code) and any(c.isalpha() for c in code)
        if (mixed or "@" in code or "://" in code) and not _ORDINAL.fullmatch(code):
            yield Phrase(code, PhraseKind.CODE, "letters and digits mixed, or an address")
