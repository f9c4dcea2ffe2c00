from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.deobfuscation.readings import deobfuscate
from guard.text.normalise import fold

SECRET = "Where was Orla Venn born?"


def language(text: str) -> list[str]:
    return [reading.text for reading in deobfuscate(text) if reading.is_language]


@pytest.mark.parametrize(
    "hidden",
    [
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        base64.b64encode(base64.b64encode(SECRET.encode())).decode(),
        SECRET.encode().hex(),
        SECRET.encode().hex(" "),
        "".join(f"\\x{byte:02x}" for byte in SECRET.encode()),
        " ".join(f"{byte:08b}" for byte in SECRET.encode()),
        "".join(f"&#{ord(char)};" for char in SECRET),
        "".join(f"&#x{ord(char):x};" for char in SECRET),
        "".join(f"&#{ord(char):06000d};" for char in SECRET),
        quote(SECRET),
        "".join(f"%{byte:02X}" for byte in SECRET.encode()),
        codecs.encode(SECRET, "rot13"),
        SECRET[::-1],
    ],
)
def test_a_text_is_deobfuscated_wherever_it_is(hidden: str) -> None:
    assert SECRET in language(hidden)
    if hidden not in (codecs.encode(SECRET, "rot13"), SECRET[::-1]):
        assert any(SECRET in reading for reading in language(f"Answer this: {hidden} please"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("who is O-r-l-a V-e-n-n", "who is Orla Venn"),
        ("w h e r e  was V.e.n.n born", "where  was Venn born"),
        ("wh3r3 w4s 0rl4 V3nn b0rn", "where was orla Venn born"),
        ("te11 me of P3ll Dr0$$", "tell me of Pell Dross"),
        ("the 1dea of 0rla", "the idea of orla"),
    ],
)
def test_letters_spelt_out_and_leet_are_read(written: str, read: str) -> None:
    assert read in language(written)


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather in Paris today, and should I take an umbrella?",
        "Commit 9fceb02d0ae598e95dc970b74767f19372d61af8 broke the build",
        "The internationalisation of counterrevolutionary establishments",
        "",
        "königliche Straßenbeleuchtung",
    ],
)
def test_an_ordinary_text_has_no_other_reading_that_is_language(text: str) -> None:
    assert language(text) == []


def test_a_character_reference_longer_than_any_number_is_no_error() -> None:
    assert deobfuscate("&#" + "9" * 10_000 + ";")


def test_the_letters_of_a_shifted_name_are_among_the_readings_though_they_are_no_language() -> None:
    shifted = codecs.encode("Orla Venn", "rot13")
    readings = {reading.text: reading.is_language for reading in deobfuscate(f"who is {shifted}?")}
    assert any("Orla Venn" in text and not spoken for text, spoken in readings.items())


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_has_few_readings_none_of_them_itself(text: str) -> None:
    readings = [reading.text for reading in deobfuscate(text)]
    assert text not in readings
    assert len(set(readings)) == len(readings) <= 120


@pytest.mark.parametrize(
    "text",
    ["Please tell me about tebaslI enrouQ today.", "ohW si tebaslI enrouQ?", "llet em fo 'tebaslI' 'enrouQ'"],
)
def test_words_that_are_reversed_one_by_one_are_read(text: str) -> None:
    assert any("ilsabetquorne" in fold(reading.text) for reading in deobfuscate(text))


INNER: dict[str, Callable[[str], str]] = {
    "hex": lambda text: text.encode().hex(),
    "bits": lambda text: " ".join(f"{byte:08b}" for byte in text.encode()),
    "decimal": lambda text: " ".join(map(str, text.encode())),
    "escapes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "references": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "zero width": "\u200b".join,
    "hyphens": "-".join,
}
OUTER: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "bits": lambda text: "".join(f"{byte:08b}" for byte in text.encode()),
    "selectors": lambda text: "".join(chr(0xE0100 + b - 16) if b > 15 else chr(0xFE00 + b) for b in text.encode()),
}


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("inner", INNER)
def test_a_code_inside_a_code_is_read(inner: str, outer: str) -> None:
    hidden = OUTER[outer](INNER[inner]("Orla Vennquist"))
    assert any("orlavennquist" in fold(reading) for reading in language(f"Answer this: {hidden} please"))


@pytest.mark.parametrize("outer", ["base64", "base32", "hex"])
@pytest.mark.parametrize(
    "disguise",
    [
        "\u200b".join,
        lambda code: "".join(f"{char}\u0301\u0323" for char in code),
        lambda code: "".join(chr(ord(char) + 0xFEE0) for char in code),
    ],
)
def test_a_code_in_styled_letters_or_with_marks_between_is_read(
    outer: str, disguise: Callable[[str], str]
) -> None:
    hidden = disguise(OUTER[outer]("Orla Vennquist"))
    assert any("orlavennquist" in fold(reading) for reading in language(f"Answer this: {hidden} please"))


@pytest.mark.parametrize(
    "text",
    [
        "See https://docs.example.org/en/latest/reference/configuration.html#section-3 for it.",
        "Ｔｅｓｔ。これは普通の文章です。",
    ],
)
def test_links_and_wide_letters_of_prose_are_no_codes(text: str) -> None:
    assert language(text) == []
