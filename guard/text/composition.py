"""Composes characters that come in pieces: syllables of Hangul, voiced kana, letters with accents."""

from __future__ import annotations

import re
from unicodedata import category, normalize

# Accents, points and vowel signs, which stand inside words though they are no letters to `re`.
_MARKED = (range(0x300, 0x2100), range(0x302A, 0x309B), range(0xA66F, 0xABF0), range(0x10A00, 0x12000))
MARKS = "".join(chr(code) for block in _MARKED for code in block if category(chr(code))[0] == "M")
"""Combining marks, for a character class."""

# Normalisation sorts the marks of a run, which takes quadratic time for a long one.
_IN_PIECES = re.compile(
    rf"(?:[^{MARKS}]|^)[{MARKS}\u1161-\u11ff]{{1,30}}|[\uff66-\uff9d][\uff9e\uff9f]", re.DOTALL
)


def compose(text: str) -> str:
    """Return `text` with composed characters (NFC), voiced half-width katakana included, in linear time.

    Of a run of marks the first 30 are composed.
    """
    return text if text.isascii() else _IN_PIECES.sub(_composed, text)


def _composed(found: re.Match[str]) -> str:
    return normalize("NFKC" if found[0][-1] in "\uff9e\uff9f" else "NFC", found[0])
