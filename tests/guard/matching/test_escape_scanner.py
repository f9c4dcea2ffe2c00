from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.escape_scanner import Utterance
from guard.matching.scanner import Scanner
from guard.text.json_escapes import DEEPEST, readings
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
        ]
    ),
    max_size=14,
)


def said(pieces: list[str], seed: str = "") -> str:
    utterance = Utterance([AUTOMATON], seed)
    return "".join(map(utterance.feed, pieces)) + utterance.finish()


def test_an_escaped_phrase_is_withheld_from_its_first_character() -> None:
    assert said([r'{"who": "\u0041da Qu\u0069ll"}']) == '{"who": "'


def test_a_phrase_in_json_inside_json_is_withheld() -> None:
    inner = json.dumps({"who": "Ada Quill"}).replace("A", r"\u0041")
    assert said([json.dumps({"arguments": inner})]) == r'{"arguments": "{\"who\": \"'


def test_escapes_without_an_end_are_read_as_deep_as_readings_are() -> None:
    def deep(levels: int) -> str:
        return "\\" + "u005c" * (levels - 1) + "u0041da Quill"

    assert said([deep(DEEPEST)]) == ""
    assert said([deep(1000)]) == deep(1000)


def test_an_escape_that_only_looks_like_the_start_of_a_phrase_leaves_whole() -> None:
    assert said([r'"\u0041d', r'am \\ C:\temp"']) == r'"\u0041dam \\ C:\temp"'


def test_only_what_may_become_a_phrase_is_held_back() -> None:
    utterance = Utterance([AUTOMATON])
    assert utterance.feed(r"See \u00") == "See "
    assert utterance.feed("42") == r"\u0042"


def test_a_seed_counts_escapes_and_all() -> None:
    assert said(["1da Quill"], seed=r'{"who": "\u004') == ""
    assert said(["ill"], seed=r"\u0041da Qu") == ""
    assert said(["ver"], seed=r"\u0041da Qu") == "ver"


def test_what_left_at_a_pause_still_counts_for_matching() -> None:
    utterance = Utterance([AUTOMATON])
    assert utterance.feed(r"\u0041da Qu\u00") + utterance.finish() == r"\u0041da Qu\u00"
    assert utterance.feed("69ll") == ""
    assert utterance.matched


@given(st.lists(st.sampled_from(["Ada ", "Qu", "ill", "Port", " Ember", "18", "71", "x "])))
def test_without_a_backslash_it_is_a_scanner(pieces: list[str]) -> None:
    utterance, scanner = Utterance([AUTOMATON]), Scanner([AUTOMATON])
    for piece in pieces:
        assert utterance.feed(piece) == scanner.feed(piece)
        assert utterance.matched == scanner.matched
    assert utterance.finish() == scanner.finish()


@given(PIECES)
def test_no_reading_of_what_leaves_holds_a_phrase_however_the_text_is_cut(pieces: list[str]) -> None:
    whole = said(["".join(pieces)])
    assert said(pieces) == said(list("".join(pieces))) == whole
    assert "".join(pieces).startswith(whole)
    folded = [fold(reading) for reading in readings(whole).split("\n")]
    assert not any(fold(phrase) in reading for phrase in PHRASES for reading in folded)


@given(PIECES)
def test_a_text_without_a_phrase_in_any_reading_leaves_whole(pieces: list[str]) -> None:
    text = "".join(pieces)
    if not any(fold(phrase) in fold(readings(text)) for phrase in PHRASES):
        assert said(pieces) == text
