"""Encodings of bytes and code points that are decoded in place: base64 to uuencode, escapes and references.

Every decoder takes a text and returns it with each piece that decodes to text replaced, in linear time.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable
from functools import partial
from urllib.parse import unquote

# A word of plain letters may decode by chance; the result is then hardly ever text.
MIN_TEXT_CHARS = 4
MIN_LETTER_SHARE = 0.8
MIN_CODE_CHARS = 12
"""Bytes that can all be printed, by chance in one of 10^5 runs of so many."""

# No code point has more digits, and int() refuses thousands.
_ENTITY = re.compile(r"(&#[xX]?)0*([0-9a-fA-F]{1,7};?)|&[0-9A-Za-z]{1,32};?")
_BASE64 = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{8,}={0,2}(?![\w+/=-])")
# Words of plain letters are base32 too: shorter ones have a digit or padding.
_BASE32 = re.compile(
    r"(?<!\w)(?:[A-Z2-7]{16,}={0,6}|(?=[A-Za-z]{0,15}[2-7=])(?:[A-Z2-7]{8,}|[a-z2-7]{8,})={0,6})(?![\w=])"
)
_BASE85 = re.compile(r"[!-~]{10,}")
_HEX = re.compile(r"(?<!\w)(?:(?:0x|\\x|%)?[0-9a-fA-F]{2}[\s:,-]?){4,}(?!\w)")
_BINARY = re.compile(r"(?<!\w)(?:[01]{8}\s?){4,}(?!\w)")
_DECIMAL = re.compile(r"(?<![\w.])\d{2,3}(?:[\s,;/-]{1,2}\d{2,3}){3,}(?![\w.])")
_QUOTED_PRINTABLE = re.compile(r"(?:=[0-9A-F]{2})+")
# Not the padding at the end of base64.
_SOFT_BREAK = re.compile(r"(?<=[^=\s])(?<![A-Za-z0-9+/]{12})=\r?\n(?=\S)")
_CODE_POINTS = re.compile(r"(?:[Uu]\+[0-9a-fA-F]{4,6}[\s,;]{0,2}){2,}")
_ESCAPE = re.compile(
    r"\\u\{([0-9a-fA-F]{1,6})\}|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|%u([0-9a-fA-F]{4})"
    r"|\\x([0-9a-fA-F]{2})|\\([0-3][0-7]{2})|\\0{0,4}([2-7][0-9a-fA-F])[ ;]"
)
_OCTAL_GROUP = 6
# A line of uuencoding tells its own length in its first character.
MIN_UU_CHARS = 8
MAX_UU_LINE_CHARS = 63
_MAX_CODE_POINT = 0x10FFFF


def decode_entities(text: str) -> str:
    """Decode character references of HTML, by name or number."""
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda found: html.unescape(f"{found[1]}{found[2]}" if found[1] else found[0]), text)


def decode_percent(text: str) -> str:
    """Decode percent escapes of URLs."""
    return unquote(text)


def decode_escapes(text: str) -> str:
    r"""Decode the escapes of programming languages: `\x49`, `\u0049`, `\u{49}`, `%u0049`, `\111`, CSS's `\49 `."""

    def read(found: re.Match[str]) -> str:
        digits = found[found.lastindex or 0]
        code = int(digits, 8 if found.lastindex == _OCTAL_GROUP else 16)
        return chr(code) if 32 <= code <= _MAX_CODE_POINT and not 0xD800 <= code < 0xE000 else found[0]

    return _ESCAPE.sub(read, text) if "\\" in text or "%u" in text else text


def decode_code_points(text: str) -> str:
    """Decode runs of code points written as `U+0049 U+006C`."""

    def read(found: re.Match[str]) -> str:
        codes = [int(digits, 16) for digits in re.findall(r"\+([0-9a-fA-F]{4,6})", found[0])]
        return "".join(map(chr, codes)) if max(codes) <= _MAX_CODE_POINT else found[0]

    return _CODE_POINTS.sub(read, text) if "u+" in text or "U+" in text else text


def decode_base64(text: str) -> str:
    """Decode base64, standard or URL-safe, with or without padding."""

    def read(piece: str) -> bytes:
        body = piece.rstrip("=").replace("-", "+").replace("_", "/")
        body = body[: len(body) - (len(body) % 4 == 1)]
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)

    return _replaced(_BASE64, read, text)


def decode_base32(text: str) -> str:
    """Decode base32 in either case, with or without padding."""

    def read(piece: str) -> bytes:
        body = piece.rstrip("=").upper()
        body = body[: len(body) - (len(body) % 8 in (1, 3, 6))]
        return base64.b32decode(body + "=" * (-len(body) % 8))

    return _replaced(_BASE32, read, text)


def decode_base85(text: str) -> str:
    """Decode Ascii85 and base85 (RFC 1924's alphabet)."""

    def read(decode: Callable[[str], bytes], piece: str) -> bytes:
        # A plain word would only be decoded to be dropped.
        return b"" if piece.isalpha() else decode(piece)

    decoded = _replaced(_BASE85, partial(read, _ascii85), text)
    return _replaced(_BASE85, partial(read, base64.b85decode), decoded)


def _ascii85(piece: str) -> bytes:
    return base64.a85decode(piece.removeprefix("<~").removesuffix("~>"))


def decode_hex(text: str) -> str:
    r"""Decode bytes in hexadecimal, with or without `0x`, `\x`, `%` and separators."""
    return _replaced(_HEX, lambda piece: bytes.fromhex(re.sub(r"0x|[^0-9a-fA-F]", "", piece)), text)


def decode_bits(text: str) -> str:
    """Decode bytes written as eight bits each."""
    return _replaced(_BINARY, lambda piece: bytes(int(bits, 2) for bits in re.findall("[01]{8}", piece)), text)


def decode_numbers(text: str) -> str:
    """Decode runs of ASCII codes in decimal, or else in octal."""

    def read(piece: str) -> bytes:
        numbers = re.findall(r"\d+", piece)
        decimal = bytes(map(int, numbers))
        return (
            decimal
            if is_text(decimal.decode("latin-1"), or_code=False)
            else bytes(int(number, 8) for number in numbers)
        )

    return _replaced(_DECIMAL, read, text)


def decode_quoted_printable(text: str) -> str:
    """Decode quoted-printable, MIME's encoding of text, with its soft line breaks."""

    def read(found: re.Match[str]) -> str:
        decoded = bytes.fromhex(found[0].replace("=", "")).decode("utf-8", "replace")
        return decoded if decoded.isprintable() else found[0]

    return _QUOTED_PRINTABLE.sub(read, _SOFT_BREAK.sub("", text)) if "=" in text else text


def decode_uuencode(text: str) -> str:
    """Decode lines of uuencoding, also where a label stands before one."""
    return "\n".join(map(_uu_line, text.split("\n"))) if len(text) > MIN_UU_CHARS else text


def _uu_line(line: str) -> str:
    line = line.removesuffix("\r")
    first = max(0, len(line) - MAX_UU_LINE_CHARS)
    for start in range(first, len(line) - MIN_UU_CHARS):
        size = ord(line[start]) - 32
        signs = len(line) - start - 1
        # Blanks at the end, which stand for zeros, may have been stripped, and encoders may add one.
        fits = 0 < size <= 45 and -(-8 * size // 6) - 2 <= signs <= 4 * -(-size // 3) + 1
        if fits and (start == 0 or line[start - 1].isspace()):
            try:
                decoded = binascii.a2b_uu(line[start:]).decode()
            except ValueError:
                continue
            if is_text(decoded):
                return line[:start] + decoded
    return line


def is_text(decoded: str, *, or_code: bool = True) -> bool:
    """Whether what was decoded is long enough and has letters enough to be meant as text; or, from
    MIN_CODE_CHARS characters on, as another code, in which each of them can be printed or shows as nothing."""
    if len(decoded) < MIN_TEXT_CHARS or "\ufffd" in decoded:
        return False
    shown = decoded if decoded.isascii() else "".join(char for char in decoded if not is_hidden(char))
    if not shown.replace("\n", " ").isprintable():
        return False
    letters = sum(character.isalpha() or character.isspace() for character in shown)
    return letters >= MIN_LETTER_SHARE * len(shown) or (or_code and len(decoded) >= MIN_CODE_CHARS)


def is_hidden(char: str) -> bool:
    """Whether a character shows as nothing, or as a mark on the one before."""
    return unicodedata.category(char) in ("Cf", "Mn", "Me")


def _replaced(pattern: re.Pattern[str], read: Callable[[str], bytes], text: str) -> str:
    def replacement(found: re.Match[str]) -> str:
        try:
            decoded = _utf8(read(found[0]))
        except (binascii.Error, ValueError):
            return found[0]
        return decoded if is_text(decoded) else found[0]

    return pattern.sub(replacement, text)


def _utf8(octets: bytes) -> str:
    """Decode UTF-8 that may begin and end inside a character, as a piece of a longer code does."""
    first = next((place for place, octet in enumerate(octets[:4]) if octet & 0xC0 != 0x80), 0)
    return (
        octets[first:].decode("utf-8")
        if len(octets) < 8
        else codecs.utf_8_decode(octets[first:], "strict", False)[0]
    )


DECODERS: tuple[Callable[[str], str], ...] = (
    decode_entities,
    decode_uuencode,
    decode_base64,
    decode_base32,
    decode_base85,
    decode_hex,
    decode_bits,
    decode_numbers,
    decode_quoted_printable,
    decode_escapes,
    decode_code_points,
    decode_percent,
)
