"""Look-alikes of Latin letters and digits, from Unicode's table of confusables (UTS 39) and a short list."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

# UTS 39 has one prototype for each of these; which letter or digit is meant is told by the code point's own kind.
_ONE_OR_I_OR_L = "l"
_ZERO_OR_O = "O"

# Not in UTS 39: letters of other alphabets, turned letters, and letters named by their sound.
_ALSO = {
    "a": "ꓮꓯꓥᗩᐱ",
    "b": "вβƃꓭᛒ",
    "c": "ꓛↃↄᑕ",
    "d": "đðꓷᑐ",
    "e": "єεəꓱᕮ",
    "f": "ɟꓞᚠ",
    "g": "ꓨᎶᘜ",
    "h": "нһ",
    "i": "іιᎥᏆᓰ",
    "j": "յꓩ",
    "k": "кκĸꓘ",
    "l": "ꓶٱٲٳ",
    "m": "м",
    "n": "ηŋᑎᏁ",
    "o": "Ꮎѳөᗝⵙ",
    "q": "ᑫ",
    "r": "ꓤᚱ",
    "s": "ſʃᏚᔕ",
    "t": "тτꓕᏖᛏ",
    "u": "μꓵʉ",
    "v": "Ꮙ",
    "w": "ωᗯ",
    "x": "χ",
    "z": "ζᘔ",
    "ae": "æ",
    "oe": "œ",
    "th": "þÞ",
    # Teh marbuta and the forms of heh, which look like o, are one letter at the end of a name.
    "heh": "ةۃۀ",
}
# Look like 6 and 3, but a word of Russian is no number, nor is it cut at its digits.
_OWN = frozenset("бЗ")
# Not sharp s, which is two letters.
_NAMED_LATIN = re.compile(
    r"LATIN (?:CAPITAL |SMALL )?LETTER (?:(?!SHARP)[A-Z-]{3,} )*([A-Z])(?: WITH (?!SMALL LETTER).*)?"
)
_NAMED_I = re.compile(r"\b(?:I|IOTA|IAUDA|FINAL NUN)\b")


def look_alike(char: str) -> str | None:
    """Return the small ASCII letters, or the digit, that this code point looks like as it is; None for none.

    A digit of a living script has its value, whatever it looks like, but a round zero that is no O looks like o.
    Digits and letters that look alike (0 and O; 1, I and l) are told apart by what the code point is.
    """
    if char in _also():
        return _also()[char]
    prototype = None if char in _OWN else _confusables().get(char)
    digit = unicodedata.decimal(char, None) if char < "\U00010000" else None
    if digit and unicodedata.normalize("NFKC", char) == char:
        return str(digit)
    if prototype == _ONE_OR_I_OR_L:
        return _one_or_i_or_l(char)
    if prototype == _ZERO_OR_O:
        return "0" if unicodedata.numeric(char, None) == 0 else "o"
    if prototype is not None:
        return prototype.lower()
    named = _NAMED_LATIN.fullmatch(unicodedata.name(char, ""))
    return named[1].lower() if named else None


def _one_or_i_or_l(char: str) -> str:
    shown = unicodedata.normalize("NFKC", char).lower()
    if shown in ("i", "l", "1"):
        return shown
    if unicodedata.numeric(char, None) == 1:
        return "1"
    return "i" if _NAMED_I.search(unicodedata.name(char, "")) else "l"


@cache
def _also() -> dict[str, str]:
    return {alike: "o" if latin == "heh" else latin for latin, row in _ALSO.items() for alike in row}


@cache
def _confusables() -> dict[str, str]:
    rows = files("guard.text").joinpath("confusables.txt").read_text("utf-8").splitlines()
    return {alike: row[0] for row in rows if not row.startswith("#") for alike in row[2:]}
