"""Folds text to the letters and digits it looks like, so that matching is not fooled by disguises."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from unicodedata import normalize

from guard.text.ideographs import ideograph
from guard.text.look_alikes import look_alike

# White-on-black and regional-indicator letters, which have no compatibility decomposition.
_BOXED = (0x1F150, 0x1F170, 0x1F1E6)
TAGS = range(0xE0020, 0xE007F)
"""Characters that are never seen, each of which carries a character of ASCII."""

# Katakana from small a to small ke, each this far above its hiragana.
_KATAKANA = range(0x30A1, 0x30F7)
_TO_HIRAGANA = 0x60
# Letters by category, but rendered as a blank, a stretched line or an apostrophe.
_BLANK = frozenset("\u115f\u1160\u0640\u07fa\ua78b\ua78c") | {chr(c) for c in range(0x02B9, 0x0300)}
# One letter of Arabic, Persian, Urdu, Pashto and Kurdish each; and the small kana that stand for large ones.
_ONE_LETTER = str.maketrans(
    {"ゕ": "か", "ゖ": "け"}
    | {"ى": "ي", "ی": "ي", "ې": "ي", "ۍ": "ي", "ێ": "ي", "ے": "ي", "ک": "ك", "ڪ": "ك", "ګ": "گ", "ں": "ن"}
)
# Marks of these scripts are accents, points and tones, which are left out; all others are signs of vowels, voicing
# and the like, without which another word is read.
_ACCENTS = (
    *("COMBINING", "HEBREW", "ARABIC", "SYRIAC", "SAMARITAN", "MANDAIC", "NKO", "ADLAM", "MUSICAL", "VEDIC"),
    *("VARIATION", "MONGOLIAN", "ETHIOPIC", "IDEOGRAPHIC", "HANGUL", "BASSA", "PAHAWH", "MENDE", "SIGNWRITING"),
    *("DEVANAGARI STRESS", "DEVANAGARI GRAVE", "DEVANAGARI ACUTE", "DUPLOYAN", "CJK", "HANIFI", "OLD", "ZNAMENNY"),
)


def is_sign(char: str) -> bool:
    """Whether this mark is a letter of its own: a vowel sign, a voicing mark, a tone of Thai or the like."""
    if unicodedata.category(char) not in ("Mn", "Mc"):
        return False
    name = unicodedata.name(char, "COMBINING")
    # With and without a nukta is one letter, as with and without an accent.
    return name.startswith("COMBINING KATAKANA") or not (name.startswith(_ACCENTS) or name.endswith("SIGN NUKTA"))


def _fold_code_point(char: str) -> str:
    if ord(char) in TAGS:
        char = chr(ord(char) - TAGS.start + ord(" "))
    if char.isascii():
        return char.lower() if char.isalnum() else ""
    for first in _BOXED:
        if first <= ord(char) < first + 26:
            return chr(ord(char) - first + ord("a"))
    # Before case folding, for a capital may look like another letter than its small form.
    for form in (char, char.lower(), char.upper(), char.casefold()):
        latin = look_alike(form) if len(form) == 1 else None
        if latin is not None:
            return latin
    shown = normalize("NFKC", normalize("NFKC", char).casefold())
    return _letter(char) if shown == char else "".join(map(_fold_code_point, shown))


def _letter(char: str) -> str:
    """Return the fold of a letter or mark that has no case or compatibility form other than itself."""
    parts = normalize("NFD", char)
    kept = "".join(part for part in parts if unicodedata.category(part)[0] != "M" or part == char or is_sign(part))
    if kept != parts:
        return "".join(map(_fold_code_point, normalize("NFC", kept)))
    if char in _BLANK or not (char.isalnum() or is_sign(char)):
        return ""
    if ord(char) in _KATAKANA:
        char = chr(ord(char) - _TO_HIRAGANA)
    digit = unicodedata.digit(char, None)
    return ideograph(char).translate(_ONE_LETTER) if digit is None else str(digit)


_MAX_FOLDS = 65_536


class Folds(dict[int, str | None]):
    """What each code point reads as, by `read`, computed on first use: a table of `str.translate`.

    It is bounded, as all of Unicode would take 100 MB.
    """

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read

    def __missing__(self, code_point: int) -> str | None:
        # None rather than "": with it str.translate stays on its fast path for ASCII.
        folded = self._read(chr(code_point)) or None
        if len(self) < _MAX_FOLDS:
            self[code_point] = folded
        return folded


_FOLDS = Folds(_fold_code_point)


def fold(text: str) -> str:
    """Return the letters and digits of `text` as they look, in one case; everything else folds to nothing.

    Compatibility forms, case, accents, digits of any script, look-alikes of Latin letters, variant ideographs and
    the two kana fold together; separators, punctuation, accents, zero-width characters and emoji vanish. Signs of
    vowels and voicing stay, and so do Hangul syllables. Folding is idempotent, and code points fold independently:
    `fold(a + b) == fold(a) + fold(b)`. So text that is composed in another way (NFC, NFD) folds otherwise where
    its pieces are letters: `guard.text.spellings` has both.
    """
    return text.translate(_FOLDS)


def ascii_digits(text: str) -> str:
    """Return `text` with the decimal digits of every script as those of ASCII, by value; all else stays."""
    return text if text.isascii() else "".join(str(unicodedata.decimal(char, char)) for char in text)


def fold_char(char: str) -> str:
    """Return the fold of one code point: none, one or several letters, digits and signs."""
    return _FOLDS[ord(char)] or ""
