"""Ciphers: encodings and spellings that hide a text from a filter, and their inverses."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from enum import StrEnum

_LEET = str.maketrans("aeiostAEIOST", "431057431057")
_UNLEET = str.maketrans("431057", "aeiost")
_LOOKALIKES = str.maketrans("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ")
_ZERO_WIDTH = "\u200b"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){4,}")


class Cipher(StrEnum):
    """An encoding or spelling of a text."""

    LEET = "leet"
    SPELLED = "spelled out"
    ZERO_WIDTH = "zero-width characters"
    HOMOGLYPHS = "homoglyphs"
    BASE64 = "base64"
    HEX = "hex"
    ROT13 = "ROT13"
    REVERSED = "reversed"


def encode(cipher: Cipher, text: str) -> str:
    """Return `text` in a cipher."""
    match cipher:
        case Cipher.LEET:
            return text.translate(_LEET)
        case Cipher.SPELLED:
            return "  ".join("-".join(word) for word in text.split())
        case Cipher.ZERO_WIDTH:
            return _ZERO_WIDTH.join(text)
        case Cipher.HOMOGLYPHS:
            return text.translate(_LOOKALIKES)
        case Cipher.BASE64:
            return base64.b64encode(text.encode()).decode()
        case Cipher.HEX:
            return text.encode().hex()
        case Cipher.ROT13:
            return codecs.encode(text, "rot13")
        case Cipher.REVERSED:
            return text[::-1]


def decode(cipher: Cipher, text: str) -> str:
    """Return the plain text of `text`, which may mix cipher and plain words; "" if nothing can be decoded."""
    match cipher:
        case Cipher.LEET:
            return text.translate(_UNLEET)
        case Cipher.SPELLED:
            return re.sub(r"(?<=\w)[-. ](?=\w\b)", "", text)
        case Cipher.ZERO_WIDTH:
            return text.replace(_ZERO_WIDTH, "")
        case Cipher.HOMOGLYPHS:
            return text.translate({new: old for old, new in _LOOKALIKES.items()})
        case Cipher.BASE64:
            return " ".join(filter(None, (_from_base64(run) for run in _BASE64.findall(text))))
        case Cipher.HEX:
            return " ".join(filter(None, (_from_hex(run) for run in _HEX.findall(text))))
        case Cipher.ROT13:
            return codecs.decode(text, "rot13")
        case Cipher.REVERSED:
            return text[::-1]


def _from_base64(run: str) -> str:
    body = run.rstrip("=")
    # A truncated answer ends inside a group of four.
    whole = body[: len(body) - (len(body) % 4 == 1)]
    try:
        return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("utf-8", "ignore")
    except binascii.Error:
        return ""


def _from_hex(run: str) -> str:
    return bytes.fromhex(re.sub(r"[ :]", "", run)).decode("utf-8", "ignore")
