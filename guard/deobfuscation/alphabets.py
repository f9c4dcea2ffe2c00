"""Other alphabets for the same letters, read in place: Morse, NATO spelling, Braille, letters by number."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import ascii_lowercase

_MORSE = dict(
    zip(
        (
            *(".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--"),
            *("-.", "---", ".--.", "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-", "-.--", "--.."),
            *("-----", ".----", "..---", "...--", "....-", ".....", "-....", "--...", "---..", "----."),
            *(".-.-.-", "--..--", "..--..", ".----."),
        ),
        f"{ascii_lowercase}0123456789.,?'",
        strict=True,
    )
)
_DOTS_AND_DASHES = str.maketrans("·•∙‧–—−_‒", "....-----")
_CODE = r"[.\-·•∙‧–—−_‒]{1,6}"
# At least four signs: an ellipsis or a dash between words is no Morse.
_MORSE_RUN = re.compile(rf"(?<![^\s/|])(?:{_CODE}(?:[ \t]{{1,3}}|[ \t]?[/|\n][ \t]?)){{3,}}{_CODE}(?![^\s/|])")
_SIGN = re.compile(rf"{_CODE}|[/|\n]|[ \t]{{2,}}")

_SPOKEN = (
    *("alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima"),
    *("mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey"),
    *("xray", "yankee", "zulu"),
)
_LETTER_OF = dict(zip(_SPOKEN, ascii_lowercase, strict=True)) | {
    "alpha": "a",
    "juliet": "j",
    "x-ray": "x",
    "whisky": "w",
    "space": " ",
}
_SPOKEN_WORD = "|".join(sorted(_LETTER_OF, key=len, reverse=True))
_SPOKEN_RUN = re.compile(rf"\b(?:{_SPOKEN_WORD})\b(?:[^\w\n]{{1,3}}(?:{_SPOKEN_WORD})\b){{2,}}", re.IGNORECASE)
_SPOKEN_PART = re.compile(rf"\b({_SPOKEN_WORD})\b|[/|]|[ \t]{{2,}}", re.IGNORECASE)

# Braille's first ten letters; the next ten add dot 3, the rest dots 3 and 6.
_FIRST_TEN = (0x01, 0x03, 0x09, 0x19, 0x11, 0x0B, 0x1B, 0x13, 0x0A, 0x1A)
_BRAILLE = (
    {0x2800 + dots: letter for dots, letter in zip(_FIRST_TEN, "abcdefghij", strict=True)}
    | {0x2804 + dots: letter for dots, letter in zip(_FIRST_TEN, "klmnopqrst", strict=True)}
    | {0x2824 + dots: letter for dots, letter in zip(_FIRST_TEN[:5], "uvxyz", strict=True)}
    | {0x283A: "w", 0x2800: " ", 0x2832: ".", 0x2802: ",", 0x2826: "?", 0x2804: "'", 0x2824: "-"}
)
_DIGIT = dict(zip("abcdefghij", "1234567890", strict=True))
_BRAILLE_RUN = re.compile("[\u2800-\u283f]{2,}")
_BRAILLE_SIGNS = re.compile("\u283c([\u2801-\u281b]+)|[\u2800-\u283f]")

MIN_NUMBERED_LETTERS = 5
_NUMBERED_WORD = r"\d{1,2}(?:[-.,]\d{1,2})+"
_NUMBERED = re.compile(rf"(?<![\w.,-]){_NUMBERED_WORD}(?:[ /]{{1,3}}{_NUMBERED_WORD})*(?![\w-])")
_SPACED_NUMBERS = re.compile(r"(?<![\w.,-])\d{1,2}(?: (?:/ )?\d{1,2}){3,}(?![\w-])")


def decode_morse(text: str) -> str:
    """Decode runs of at least four Morse signs; a slash, a bar or a wide gap ends a word."""

    def read(found: re.Match[str]) -> str:
        signs = _SIGN.findall(found[0].translate(_DOTS_AND_DASHES))
        letters = "".join(" " if sign.strip("/|\n \t") == "" else _MORSE.get(sign, "\0") for sign in signs)
        return found[0] if "\0" in letters or len(set(letters)) < 3 else letters

    return _MORSE_RUN.sub(read, text)


def decode_spoken(text: str) -> str:
    """Decode runs of at least three words of the NATO spelling alphabet."""

    def read(found: re.Match[str]) -> str:
        return "".join(
            _LETTER_OF.get(part[1].lower(), " ") if part[1] else " " for part in _SPOKEN_PART.finditer(found[0])
        )

    return _SPOKEN_RUN.sub(read, text)


def decode_braille(text: str) -> str:
    """Decode Braille of grade 1, with its signs for capitals and numbers."""

    def sign(found: re.Match[str]) -> str:
        if found[1]:
            return "".join(_DIGIT.get(_BRAILLE.get(ord(cell), ""), "") for cell in found[1])
        return _BRAILLE.get(ord(found[0]), "")

    return _BRAILLE_RUN.sub(lambda run: _BRAILLE_SIGNS.sub(sign, run[0]), text)


def decode_numbered(text: str) -> str:
    """Decode letters by number, a as 1 to z as 26, joined by hyphens, commas or dots, or separated by blanks."""

    def word(numbers: str) -> str:
        places = [int(number) for number in re.findall(r"\d+", numbers)]
        return "".join(ascii_lowercase[place - 1] if 1 <= place <= 26 else "\0" for place in places)

    def joined(found: re.Match[str]) -> str:
        letters = " ".join(map(word, re.split("[ /]+", found[0])))
        return found[0] if "\0" in letters or len(letters) < MIN_NUMBERED_LETTERS else letters

    def spaced(found: re.Match[str]) -> str:
        letters = " ".join(map(word, found[0].split(" / ")))
        return found[0] if "\0" in letters or len(letters) < MIN_NUMBERED_LETTERS else letters

    return _SPACED_NUMBERS.sub(spaced, _NUMBERED.sub(joined, text))


DECODERS: tuple[Callable[[str], str], ...] = (decode_morse, decode_spoken, decode_braille, decode_numbered)
