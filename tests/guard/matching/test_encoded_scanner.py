"""An answer in code is withheld when it decodes to a forbidden phrase; prose is released as it comes."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.encoded_scanner import MAX_CONTEXT_CHARS, MAX_HELD_CHARS, EncodedScanner

AUTOMATA = [Automaton.compile(["Ilsabet Quorne", "Sallowmere"])]
SAID = "Ilsabet Quorne was born in the harbour town of Sallowmere."
PROSE = "She was the first of the four children, and she went to school in the next town until she was ten. "

CODES = {
    "base64": base64.b64encode(SAID.encode()).decode(),
    "base32": base64.b32encode(SAID.encode()).decode(),
    "hex": SAID.encode().hex(" "),
    "ROT13": codecs.encode(SAID, "rot13"),
    "reversal": SAID[::-1],
    "leet": "1ls4b3t Qu0rn3 w4s b0rn h3r3",
    "entities": "".join(f"&#{ord(c)};" for c in SAID),
    "one entity": "Ils&#97;bet Quorne was born there",
    "soft hyphens": "Il&shy;sa&shy;bet Quorne was born there",
    "percent": "".join(f"%{ord(c):02X}" for c in SAID),
    "tags of HTML": "Il<b>sa</b>bet Qu<i>or</i>ne was born there",
    "a link": "Ils[a](x)bet Quorne was born there",
    "decimal": " ".join(str(ord(c)) for c in SAID),
    "doubled": "".join(c + c for c in SAID),
    "initials": " ".join(f"{c}oo" for c in "ilsabetquorne"),
    "one letter a line": "\n".join("Sallowmere"),
}


def chunks(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def released(text: str, size: int) -> tuple[str, bool]:
    scanner = EncodedScanner(AUTOMATA)
    out = "".join(map(scanner.feed, chunks(text, size))) + scanner.finish()
    return out, scanner.matched


@pytest.mark.parametrize("size", [1, 3, 17, 10_000])
@pytest.mark.parametrize("code", CODES)
def test_a_phrase_in_code_is_withheld_whole_and_streamed(code: str, size: int) -> None:
    out, matched = released(PROSE + CODES[code], size)
    assert matched
    # Nothing of the code is released, for it may be decoded piece by piece.
    assert PROSE.startswith(out.rstrip())


@pytest.mark.parametrize("encode", [base64.b64encode, base64.b32encode, base64.b16encode])
@pytest.mark.parametrize("shift", range(5))
def test_a_long_code_is_read_wherever_the_phrase_stands_in_it(
    encode: Callable[[bytes], bytes], shift: int
) -> None:
    plain = "x" * shift + PROSE * 12 + SAID + PROSE * 4
    code = encode(plain.encode()).decode()
    out, matched = released(code, 7)
    assert matched
    assert len(out) <= len(encode((PROSE * 12).encode()))


def test_prose_is_released_as_it_comes_and_a_name_with_the_words_after_it() -> None:
    scanner = EncodedScanner(AUTOMATA)
    assert scanner.feed("She was born ") == "She was born"
    assert scanner.feed("near Brannickholm ") == ""
    assert scanner.feed("in the ") == " near Brannickholm in the"
    assert scanner.finish() == " "


@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize(
    "text",
    [
        PROSE * 12,
        "The key is 7f3a-99, the plate K7-ZX-44, and the number 4929 1234 5678 9012.\n\n| a | b |\n|---|---|\n",
        "def add(left, right):\n    return left + right\n\nprint(add(2, 3))\n" * 20,
        "他出生在苏州，后来开了一家面馆。" * 60,
        "aGVsbG8gd29ybGQsIHRoaXMgaXMgZmluZQ== and more",
    ],
)
def test_what_decodes_to_no_phrase_is_released_in_full(text: str, size: int) -> None:
    assert released(text, size) == (text, False)


def test_a_plain_phrase_is_withheld_as_ever() -> None:
    assert released("Her name is Ilsabet Quorne, of course.", 4) == ("Her name is ", True)


def test_an_answer_given_up_releases_nothing_more() -> None:
    scanner = EncodedScanner(AUTOMATA)
    scanner.feed("In Sallow")
    scanner.drop()
    assert (scanner.feed("mere"), scanner.finish()) == ("", "")


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="aeinrst .QIlsabet\n", max_size=2 * MAX_HELD_CHARS), st.integers(1, 40))
def test_text_without_a_match_comes_out_as_it_went_in(text: str, size: int) -> None:
    out, matched = released(text, size)
    assert text.startswith(out)
    assert matched or out == text


def test_no_more_is_held_back_than_the_bound() -> None:
    scanner = EncodedScanner(AUTOMATA)
    text = "zyx qwv " * 400
    held = 0
    for start in range(0, len(text), 8):
        held += 8 - len(scanner.feed(text[start : start + 8]))
        assert held <= MAX_HELD_CHARS + MAX_CONTEXT_CHARS
