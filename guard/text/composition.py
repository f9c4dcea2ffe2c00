"""Composes characters that come in pieces: syllables of Hangul, voiced kana, letters with accents."""

from __future__ import annotations

import re
from unicodedata import category, normalize

# Accents, points and vowel signs, which stand inside words though they are no letters to `re`.
_MARKED = (
    *(range(0x300, 0x2100), range(0x2CEF, 0x2E00), range(0x302A, 0x309B), range(0xA66F, 0xABF0)),
    *(range(0xFB1E, 0xFB1F), range(0xFE20, 0xFE30)),
)
# Whole blocks of scripts with marks: `re` looks at single characters beyond U+FFFF one after the other.
_MARKED_BLOCKS = (
    "\U000101fd\U000102e0\U00010376-\U0001037a\U00010a00-\U00010fff\U00011000-\U00011fff\U00016af0-\U00016b36"
    "\U00016ff0\U00016ff1\U0001bc9e\U0001d165-\U0001d244\U0001e000-\U0001e94a"
)
_SINGLE = (chr(code) for block in _MARKED for code in block if category(chr(code))[0] == "M")
MARKS = "".join(_SINGLE) + _MARKED_BLOCKS
"""Combining marks, as the inside of a character class."""

# Normalisation sorts the marks of a run, which takes quadratic time for a long one.
MAX_SORTED_MARKS = 30
_LONG_RUN = re.compile(rf"[{MARKS}]{{{MAX_SORTED_MARKS + 1}}}")
_IN_PIECES = re.compile(rf"(?:[^{MARKS}]|^)[{MARKS}\u1161-\u11ff]{{1,{MAX_SORTED_MARKS}}}", re.DOTALL)
_VOICED_HALF_WIDTH = re.compile("[\uff66-\uff9d][\uff9e\uff9f]")


def compose(text: str) -> str:
    """Return `text` with composed characters (NFC), voiced half-width katakana included, in linear time.

    In a text with a run of more than MAX_SORTED_MARKS marks, no more than so many of each run are composed.
    """
    if text.isascii():
        return text
    text = _VOICED_HALF_WIDTH.sub(lambda found: normalize("NFKC", found[0]), text)
    if _LONG_RUN.search(text):
        return _IN_PIECES.sub(lambda found: normalize("NFC", found[0]), text)
    return normalize("NFC", text)
