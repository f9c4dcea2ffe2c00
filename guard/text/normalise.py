"""Folds text to the letters and digits it looks like, so that matching is not fooled by disguises."""

from __future__ import annotations

import unicodedata

_SHOWN_AS = {
    "a": "аαɑᴀᎪ",
    "b": "вβʙɓƅᏴ",
    "c": "сᴄƈᏟ",
    "d": "ԁđðɖɗᴅᎠ",
    "e": "еєεɛɇᴇᎬ",
    "f": "ƒꜰ",
    "g": "ɡցɢɠᏀ",
    "h": "һнհħʜɦᎻ",
    "i": "іιıɩɪɨᎥ",
    "j": "јϳյȷɉᴊᎫ",
    "k": "кκĸƙᴋᏦ",
    "l": "ӏłƚʟɫᏞ",
    "m": "мᴍɱᎷ",
    "n": "ηոŋɴɲƞ",
    "o": "оοօøɵᴏ",
    "p": "рρᴘƥᏢ",
    "q": "ԛգզʠ",
    "r": "ʀɼɽɾᎡ",
    "s": "ѕꜱʂƨᏚ",
    "t": "тτŧᴛƭʈᎢ",
    "u": "υμսᴜʉ",
    "v": "νѵᴠʋᏙ",
    "w": "ωԝᴡᏔ",
    "x": "хχ",
    "y": "уүʏƴɏᎽ",
    "z": "ζᴢƶʐᏃ",
    "ae": "æ",
    "oe": "œ",
    "th": "þ",
}
_LATIN = {alike: latin for latin, row in _SHOWN_AS.items() for alike in row}
# White-on-black and regional-indicator letters, which have no compatibility decomposition.
for _first in (0x1F150, 0x1F170, 0x1F1E6):
    _LATIN |= {chr(_first + k): chr(ord("a") + k) for k in range(26)}
# Letters by category, but rendered as a blank, a stretched line or an apostrophe.
_BLANK = frozenset("\u115f\u1160\u0640\u07fa\ua78b\ua78c") | {chr(c) for c in range(0x02B9, 0x0300)}


def _fold_code_point(char: str) -> str:
    shown = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", char).casefold())
    return "".join(_letter(c) for c in shown)


def _letter(char: str) -> str:
    latin = _LATIN.get(char)
    if latin is not None:
        return latin
    if char in _BLANK or not char.isalnum():
        return ""
    digit = unicodedata.digit(char, None)
    return char if digit is None else str(digit)


_MAX_FOLDS = 65_536


class _Folds(dict[int, str | None]):
    """Folds by code point, computed on first use; bounded, as all of Unicode would take 100 MB."""

    def __missing__(self, code_point: int) -> str | None:
        # None rather than "": with it str.translate stays on its fast path for ASCII.
        folded = _fold_code_point(chr(code_point)) or None
        if len(self) < _MAX_FOLDS:
            self[code_point] = folded
        return folded


_FOLDS = _Folds()


def fold(text: str) -> str:
    """Return the letters and digits of `text` as they look, in one case; everything else folds to nothing.

    Compatibility forms, case, accents, digits of any script and common look-alikes of Latin letters fold together;
    separators, punctuation, marks, zero-width characters and emoji vanish. Folding is idempotent, and code points
    fold independently: `fold(a + b) == fold(a) + fold(b)`.
    """
    return text.translate(_FOLDS)


def fold_char(char: str) -> str:
    """Return the fold of one code point: none, one or several letters and digits."""
    return _FOLDS[ord(char)] or ""
