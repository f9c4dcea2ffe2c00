"""Regular expressions for JSON schemas: a phrase needs two letters or digits that folding keeps."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from guard.text.normalise import fold_char

# Planes 0 to 3 of Unicode hold every letter.
_CODE_POINTS = range(0x34000)
# Ideographs, syllables and other letters from here on fold to themselves, unless they decompose.
_FIRST_IDEOGRAPH = 0x3400


def _is_letter(code_point: int) -> bool:
    """Return whether matching keeps this letter, digit, or mark that is read as a letter (a vowel sign)."""
    char = chr(code_point)
    category = unicodedata.category(char)
    if category == "Lo" and code_point >= _FIRST_IDEOGRAPH and not unicodedata.decomposition(char):
        return True
    return category[0] in "LMN" and fold_char(char) != ""


def _ranges() -> Iterator[str]:
    """Yield the ranges of letters as a character class has them."""
    # JSON schema validators disagree about `\\w` and `\\p{L}`, but not about ranges.
    first: int | None = None
    for code_point in _CODE_POINTS:
        if _is_letter(code_point):
            first = code_point if first is None else first
        elif first is not None:
            yield f"{chr(first)}-{chr(code_point - 1)}"
            first = None


LETTERS = f"[{''.join(_ranges())}]"
"""A regular expression of one such letter or digit, of any script."""

TWO_LETTERS = f"{LETTERS}[\\s\\S]*{LETTERS}"
"""A regular expression found in every text with two of them."""
