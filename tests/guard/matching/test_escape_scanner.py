from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.escape_scanner import EscapeScanner
from guard.matching.scanner import Scanner
from guard.text.json_escapes import MAX_ESCAPE_LEVELS, Unescaper, readings, unescape
from guard.text.markup_escapes import MARKUP, MAX_TAG_CHARS
from guard.text.normalise import fold

PHRASES = ("Ada Quill", "Port Ember", "1871")
AUTOMATON = Automaton.compile(PHRASES)
PIECES = st.lists(
    st.sampled_from(
        [
            r"\u0041",
            r"\u0041d",
            "Ad",
            "da ",
            "Qu",
            "a",
            r"\u0069",
            "ill",
            "\\",
            "u00",
            "41",
            "\\\\",
            r"\n",
            "x",
            " ",
            "18",
            r"7\u0031",
            "&nbsp;",
            "<b>",
            "<",
            "%41",
            "%4",
            "&#1",
            ";",
        ]
    ),
    max_size=14,
)


def levels(text: str) -> list[str]:
    """Return the text with its escapes of JSON decoded no times, once, and so on."""
    read = [text]
    while "\\" in read[-1] and len(read) <= MAX_ESCAPE_LEVELS:
        read.append(unescape(read[-1]))
    return read


def released(pieces: list[str], seed: str = "") -> str:
    scanner = EscapeScanner([AUTOMATON], seed)
    return "".join(map(scanner.feed, pieces)) + scanner.finish()


def test_an_escaped_phrase_is_withheld_from_its_first_character() -> None:
    assert released([r'{"who": "\u0041da Qu\u0069ll"}']) == '{"who": "'


def test_a_phrase_in_json_inside_json_is_withheld() -> None:
    inner = json.dumps({"who": "Ada Quill"}).replace("A", r"\u0041")
    assert released([json.dumps({"arguments": inner})]) == r'{"arguments": "{\"who\": \"'


def test_escapes_without_an_end_are_read_as_deep_as_readings_are() -> None:
    def deep(levels: int) -> str:
        return "\\" + "u005c" * (levels - 1) + "u0041da Quill"

    assert released([deep(MAX_ESCAPE_LEVELS)]) == ""
    assert released([deep(1000)]) == deep(1000)


def test_an_escape_that_only_looks_like_the_start_of_a_phrase_is_released_whole() -> None:
    assert released([r'"\u0041d', r'am \\ C:\temp"']) == r'"\u0041dam \\ C:\temp"'


def test_only_what_may_become_a_phrase_is_held_back() -> None:
    scanner = EscapeScanner([AUTOMATON])
    assert scanner.feed(r"See \u00") == "See "
    assert scanner.feed("42") == r"\u0042"


def test_a_seed_counts_escapes_and_all() -> None:
    assert released(["1da Quill"], seed=r'{"who": "\u004') == ""
    assert released(["ill"], seed=r"\u0041da Qu") == ""
    assert released(["ver"], seed=r"\u0041da Qu") == "ver"


def test_an_escaped_phrase_less_its_end_is_withheld_from_its_first_character() -> None:
    assert released([r'{"who": "\u0041da Q\u0075il']) == '{"who": "'
    assert released([r'{"who": "x\n', r"18", r"7"]) == r'{"who": "x\n'
    assert released([r"\u0041da Q"]) == r"\u0041da Q"


def test_of_a_text_that_is_given_up_nothing_held_back_leaves() -> None:
    scanner = EscapeScanner([AUTOMATON])
    assert scanner.feed(r"See \u0041d") == "See "
    scanner.drop()
    assert (scanner.finish(), scanner.matched) == ("", True)


def test_what_was_released_at_a_pause_still_counts_for_matching() -> None:
    scanner = EscapeScanner([AUTOMATON])
    assert scanner.feed(r"\u0041da Qu\u00") + scanner.finish() == r"\u0041da Qu\u00"
    assert scanner.feed("69ll") == ""
    assert scanner.matched


@pytest.mark.parametrize(
    "text",
    [
        "Ada&nbsp;Quill",
        "Ada%20Quill",
        "<b>Ada</b> <i>Quill</i>",
        "<td>Ada</td><td>Quill</td>",
        "&#65;d&#x61; Quill",
        r"<td>Ada<\/td><td>Quill",
        "18<wbr>71",
        r"{\"who\": \"\u003cb\u003eAda\u003c/b\u003eQuill",
    ],
)
def test_a_phrase_in_markup_is_withheld(text: str) -> None:
    given = f"See: {text} and more"
    for pieces in ([given], list(given)):
        kept = released(pieces)
        assert given.startswith(kept)
        assert not any(fold(part) in fold(kept) for part in ("Ada", "da", "Quill", "1871"))


def test_what_markup_may_become_is_held_back_no_longer_than_a_tag_is() -> None:
    scanner = EscapeScanner([AUTOMATON])
    assert scanner.feed("if x <b or c") == "if x "
    assert scanner.feed(" " * MAX_TAG_CHARS) == "<b or c" + " " * MAX_TAG_CHARS
    assert scanner.feed(" AT&T, 100% ") == " AT&T, 100% "
    assert not scanner._decoded


@given(st.lists(st.sampled_from(["Ada ", "Qu", "ill", "Port", " Ember", "18", "71", "x "])))
def test_without_a_backslash_it_is_a_plain_scanner(pieces: list[str]) -> None:
    scanner, plain = EscapeScanner([AUTOMATON]), Scanner([AUTOMATON])
    for piece in pieces:
        assert scanner.feed(piece) == plain.feed(piece)
        assert scanner.matched == plain.matched
    assert scanner.finish() == plain.finish()


@given(PIECES)
def test_no_reading_of_released_text_holds_a_phrase_however_the_text_is_cut(pieces: list[str]) -> None:
    whole = released(["".join(pieces)])
    assert released(pieces) == released(list("".join(pieces))) == whole
    assert "".join(pieces).startswith(whole)
    shown = Unescaper(MARKUP).feed(f"{whole}<").text
    folded = [*(fold(reading) for reading in readings(whole).split("\n")), fold(shown)]
    assert not any(fold(phrase) in reading for phrase in PHRASES for reading in folded)


@given(PIECES)
def test_a_text_without_a_phrase_in_any_reading_is_released_whole(pieces: list[str]) -> None:
    text = "".join(pieces)
    shown = "\n".join((readings(text), *(Unescaper(MARKUP).feed(f"{one}<").text for one in levels(text))))
    if not any(fold(phrase)[:-1] in fold(shown) for phrase in PHRASES):
        # Of the last word, most of a phrase may be withheld.
        assert released([*pieces, " x"]) == text + " x"
