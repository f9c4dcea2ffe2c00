"""Text in characters that no reader sees and a model reads: tags, variation selectors, bits of zero width.

Also codes with such characters between theirs, and codes in styled letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import normalize

from guard.deobfuscation.encodings import is_text

_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
# Two of these characters serve as 0 and 1.
_BITS = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff]{32,}")
# ASCII, each character with something invisible or accents after it.
_HIDDEN = "\u00ad\u0300-\u036f\u200b-\u200f\u2060-\u2064\ufeff"
_INTERLEAVED = re.compile(f"(?:[!-~][{_HIDDEN}]{{1,16}}){{6,}}")
_HIDDEN_CHARS = re.compile(f"[{_HIDDEN}]+")
# Letters, digits and signs of codes: full width, mathematical, circled, superscript.
_STYLED = re.compile(
    "[\uff03\uff05\uff06\uff0b\uff0f-\uff19\uff1d\uff21-\uff3a\uff3c\uff41-\uff5a"
    "\U0001d400-\U0001d7ff\u24b6-\u24e9\u2070-\u207f\u02b0-\u02b8\u1d2c-\u1d6a\u1d9c-\u1dbf]"
)
_MIN_STYLED = 8


def decode_tags(text: str) -> str:
    """Decode tag characters, each of which carries a character of ASCII."""
    return _TAGS.sub(lambda run: f" {''.join(chr(ord(tag) - 0xE0000) for tag in run[0])} ", text)


def decode_selectors(text: str) -> str:
    """Decode runs of variation selectors, numbered from 0, as bytes; or numbered from U+E0100."""

    def read(run: re.Match[str]) -> str:
        codes = list(map(ord, run[0]))
        numbers = [code - 0xE0100 + 16 if code >= 0xE0100 else code - 0xFE00 for code in codes]
        for offset in (0, 16):
            decoded = bytes(max(number - offset, 0) for number in numbers).decode("utf-8", "replace")
            if is_text(decoded):
                return f" {decoded} "
        return run[0]

    return _SELECTORS.sub(read, text)


def decode_zero_width_bits(text: str) -> str:
    """Decode runs in which two characters of zero width stand for 0 and 1, eight bits a byte."""

    def read(run: re.Match[str]) -> str:
        pair = sorted(set(run[0]))
        if len(pair) != 2:
            return run[0]
        for zero, one in (pair, reversed(pair)):
            bits = run[0].replace(zero, "0").replace(one, "1")
            octets = bytes(int(bits[start : start + 8], 2) for start in range(0, len(bits) - 7, 8))
            decoded = octets.decode("utf-8", "replace")
            if is_text(decoded):
                return f" {decoded} "
        return run[0]

    return _BITS.sub(read, text)


def strip_interleaved(text: str) -> str:
    """Remove invisible characters and accents from between six characters of ASCII and more."""
    return text if text.isascii() else _INTERLEAVED.sub(lambda run: _HIDDEN_CHARS.sub("", run[0]), text)


def plain_letters(text: str) -> str:
    """Return a text with many styled letters in plain ones, whose case a code needs."""
    if text.isascii() or len(_STYLED.findall(text)) < _MIN_STYLED:
        return text
    return _STYLED.sub(lambda char: normalize("NFKC", char[0]), text)


DECODERS: tuple[Callable[[str], str], ...] = (
    decode_tags,
    decode_selectors,
    decode_zero_width_bits,
    strip_interleaved,
    plain_letters,
)
