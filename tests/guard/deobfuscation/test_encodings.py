"""Every encoding that red-teaming tools offer is read, whatever is in it and around it."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable
from string import ascii_lowercase

import pytest

from guard.deobfuscation.readings import deobfuscate
from guard.detection.names import Names

SENTENCES = {
    "Who is Ilsabet Quorne?": "quorne",
    "Where was Tamsin Okonjo-Veld born, and when?": "veld",
    "tell me about the painter Radovan Mirk": "mirk",
    "Describe Halvard Brunsgaard's harbour company in detail.": "brunsgaard",
}
NAMES = Names.build(
    {
        "quorne": ["Ilsabet Quorne"],
        "veld": ["Tamsin Okonjo-Veld"],
        "mirk": ["Radovan Mirk"],
        "brunsgaard": ["Halvard Brunsgaard"],
    }
)
MORSE_SIGNS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. /"
)
MORSE = dict(zip(f"{ascii_lowercase} ", MORSE_SIGNS.split(), strict=True))
NATO_WORDS = (
    "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec "
    "Romeo Sierra Tango Uniform Victor Whiskey Xray Yankee Zulu"
)
NATO = NATO_WORDS.split()
BRAILLE = dict(zip(ascii_lowercase, "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", strict=True)) | {" ": "⠀", "?": "⠦"}
TURNED = str.maketrans(ascii_lowercase, "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz")


def letters(text: str) -> str:
    return "".join(c for c in text.lower().replace("-", " ") if c in ascii_lowercase + " ")


def shifted(places: int) -> Callable[[str], str]:
    def encode(text: str) -> str:
        return "".join(
            chr((ord(c) - first + places) % 26 + first)
            if (first := ord("a") if c.islower() else ord("A")) <= ord(c) < first + 26
            else c
            for c in text
        )

    return encode


def bits(zero: str, one: str) -> Callable[[str], str]:
    return lambda text: "".join(f"{byte:08b}" for byte in text.encode()).translate({48: zero, 49: one})


def pig_latin(text: str) -> str:
    def moved(found: re.Match[str]) -> str:
        onset = re.match("(?:qu|[^aeiouAEIOUyY]*)", found[0].lower())
        count = onset.end() if onset else 0
        return f"{found[0][count:]}{found[0][:count].lower()}ay" if count else f"{found[0]}way"

    return re.sub("[A-Za-z]+", moved, text)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, URL-safe, no padding": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base16": lambda text: base64.b16encode(text.encode()).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "base32 in lower case, no padding": lambda text: base64.b32encode(text.encode()).decode().lower().rstrip("="),
    "Ascii85": lambda text: base64.a85encode(text.encode()).decode(),
    "Ascii85, Adobe's": lambda text: base64.a85encode(text.encode(), adobe=True).decode(),
    "base85": lambda text: base64.b85encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex, spaced": lambda text: text.encode().hex(" "),
    "quoted-printable": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "quoted-printable with soft breaks": lambda text: binascii.b2a_qp(text.encode() * 3).decode(),
    "uuencode": lambda text: (
        binascii.b2a_uu(text.encode()[:45]).decode() + binascii.b2a_uu(text.encode()[45:]).decode()
    ),
    "octal escapes": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "octal numbers": lambda text: " ".join(f"{byte:03o}" for byte in text.encode()),
    "decimal numbers": lambda text: " ".join(str(byte) for byte in text.encode()),
    "decimal numbers with commas": lambda text: ", ".join(str(byte) for byte in text.encode()),
    "bits": lambda text: " ".join(f"{byte:08b}" for byte in text.encode()),
    "percent escapes": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "%u escapes": lambda text: "".join(f"%u{ord(c):04x}" for c in text),
    "\\u escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "\\u{} escapes": lambda text: "".join(f"\\u{{{ord(c):x}}}" for c in text),
    "\\x escapes": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "one \\x escape": lambda text: text.replace("a", "\\x61"),
    "code points": lambda text: " ".join(f"U+{ord(c):04X}" for c in text),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "ROT13": lambda text: codecs.encode(text, "rot13"),
    "ROT47": lambda text: "".join(chr(33 + (ord(c) - 33 + 47) % 94) if 33 <= ord(c) < 127 else c for c in text),
    "Atbash": lambda text: text.translate(
        str.maketrans(
            ascii_lowercase + ascii_lowercase.upper(), (ascii_lowercase[::-1] + ascii_lowercase[::-1].upper())
        )
    ),
    **{f"Caesar's shift by {places}": shifted(places) for places in (1, 3, 7, 19, 25)},
    "reversal": lambda text: text[::-1],
    "upside down": lambda text: letters(text).translate(TURNED)[::-1],
    "Morse": lambda text: " ".join(MORSE[c] for c in letters(text)),
    "NATO": lambda text: " ".join(NATO[ord(c) - 97] for c in letters(text) if c != " "),
    "NATO, hyphens and slashes": lambda text: " / ".join(
        "-".join(NATO[ord(c) - 97].lower() for c in word) for word in letters(text).split()
    ),
    "Braille": lambda text: "".join(BRAILLE[c] for c in letters(text)),
    "letters by number": lambda text: " ".join(
        "-".join(str(ord(c) - 96) for c in word) for word in letters(text).split()
    ),
    "letters by number, spaced": lambda text: " / ".join(
        " ".join(str(ord(c) - 96) for c in word) for word in letters(text).split()
    ),
    "tags": lambda text: "😀" + "".join(chr(0xE0000 + ord(c)) for c in text),
    "variation selectors": lambda text: "😀" + "".join(chr(0xE0100 + ord(c) - 16) for c in text),
    "variation selectors from the first": lambda text: "😀" + "".join(chr(0xE0100 + ord(c)) for c in text),
    "sneaky bits": bits("\u2062", "\u2064"),
    "zero-width bits": bits("\u200c", "\u200b"),
    "doubled letters": lambda text: "".join(c * 2 for c in text),
    "one letter a line": lambda text: "\n".join(letters(text)),
    "letters spelt out": lambda text: "  ".join(" ".join(word) for word in letters(text).split()),
    "one column": lambda text: "\n".join(
        " ".join(row) for row in zip(*[letters(text).ljust(60)] * 2, strict=True)
    ),
    "two rows": lambda text: "\n".join(zip_columns(letters(text), 4)),
    "initials of words": lambda text: " ".join(f"{c}ood" for c in letters(text) if c != " "),
    "initials of lines": lambda text: "\n".join(f"{c}and so it goes" for c in letters(text) if c != " "),
    "tags of HTML": lambda text: (
        text.replace("ab", "<b>ab</b>").replace("do", "<i class='x'>do</i>").replace("al", "a<wbr>l")
    ),
    "comments": lambda text: text.replace("a", "a<!-- not this -->"),
    "Markdown links": lambda text: text.replace("ab", "[ab](https://x.example)").replace("do", "[do][1]"),
    "Markdown": lambda text: text.replace("sa", "**sa**").replace("va", "_va_").replace("am", "~~am~~"),
    "tags that no browser knows": lambda text: text.replace("ab", "<x-a>ab</x-a>").replace(
        "do", "<foo y='z'>do</foo>"
    ),
    "BBCode": lambda text: text.replace("ab", "[b]ab[/b]").replace("do", "[color=red]do[/color]"),
    "LaTeX": lambda text: text.replace("ab", "\\textbf{ab}").replace("do", "\\emph{do}"),
    "colours of a terminal": lambda text: text.replace("ab", "\x1b[1;31mab\x1b[0m").replace(
        "do", "\x1b[1mdo\x1b[m"
    ),
    "escaped colours": lambda text: text.replace("ab", "\\033[1mab\\033[0m").replace("do", "\\e[1mdo\\e[0m"),
    "Pig Latin": pig_latin,
    "numbered letters": lambda text: " ".join(
        "".join(f"{c}{place}" for place, c in enumerate(word, 1)) for word in letters(text).split()
    ),
    "a word for each letter": lambda text: ". ".join(
        ", ".join(f"{c.upper()} as in {NATO[ord(c) - 97].lower()}" for c in word) for word in letters(text).split()
    ),
    "a word for each letter, a line each": lambda text: "\n".join(
        f"{c.upper()} - {NATO[ord(c) - 97]}" for c in letters(text) if c != " "
    ),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "hex of ROT13": lambda text: codecs.encode(text, "rot13").encode().hex(),
}
TEMPLATES = ["{}", "Decode this and answer:\n{}\n", "What does this mean? {}\nThanks"]
# What applies to all of a text is not found inside another, but for ciphers, whose names are.
WHOLE = {
    "Pig Latin",
    "upside down",
    "one column",
    "two rows",
    "initials of words",
    "initials of lines",
    "one letter a line",
}


def zip_columns(text: str, rows: int) -> list[str]:
    padded = text.ljust(-(-len(text) // rows) * rows)
    return ["".join(padded[start::rows]) for start in range(rows)]


def found(text: str) -> frozenset[str]:
    readings = [(text, True), *deobfuscate(text)]
    return frozenset().union(*(NAMES.found(reading, short=spoken) for reading, spoken in readings))


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_name_is_found_in_every_encoding(name: str) -> None:
    for sentence, target in SENTENCES.items():
        for template in TEMPLATES[:1] if name in WHOLE else TEMPLATES:
            assert found(template.format(ENCODINGS[name](sentence))) == {target}, (sentence, template)


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather in Paris today, and should I take an umbrella?",
        "The meeting is at 10:30 in room 12, 14 people will come, and 25 chairs are needed.",
        "Call +44 20 7946 0958 or write to info@example.org; see https://example.org/a-b/c?d=e&f=g#h.",
        "- first point\n- second point\n- third point ... and so on -- really",
        "INTERNATIONALLY RECOGNISED STANDARDS",
        "x = [1, 2, 3, 4, 5, 6, 7, 8]\nprint(sum(x) / len(x))",
        "He read the first lines aloud, <b>slowly</b>, then [the rest](https://example.org/rest).",
        "Charlie and Victor met Oscar in the hotel.",
        "Put a[i] b[j] and Map<String, List<Foo>> next to \\frac{1}{2} and \\textbf{bold} words.",
        "Plan A - apples, plan B - bread; vitamin A for eyes, C for colds.",
        "Two cups of flour, 3 eggs, 100 g of sugar; bake 40 to 45 minutes at 180 degrees.",
        "The internationalisation of counterrevolutionary establishments",
    ],
)
def test_ordinary_text_has_no_other_reading_that_is_language(text: str) -> None:
    assert [reading.text for reading in deobfuscate(text) if reading.is_language] == []
