from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.unfinished import unfinished
from guard.text.normalise import fold

words = st.text("abc1", min_size=1, max_size=9)


@given(st.lists(words, min_size=1, max_size=6), st.text("abc1", max_size=12))
def test_the_longest_unfinished_phrase_is_found_whatever_longer_match_is_in_progress(
    phrases: list[str], text: str
) -> None:
    folded = fold(text)
    if any(phrase in folded for phrase in phrases):
        return

    def is_unfinished(part: str) -> bool:
        share = 1 / 2 if "1" in part else 2 / 3
        return any(phrase.startswith(part) and len(part) > share * len(phrase) for phrase in phrases)

    expected = max((k for k in range(1, len(folded) + 1) if is_unfinished(folded[-k:])), default=0)
    assert longest(Automaton.compile(phrases), folded.encode(), text) == expected


def longest(automaton: Automaton, begun: bytes, raw: str) -> int:
    return max(unfinished(automaton, begun, raw), default=0)


def test_a_mark_after_the_last_word_says_that_the_answer_has_gone_on() -> None:
    automaton = Automaton.compile(["Christopher Lee", "Orla Venn"])
    assert longest(automaton, b"christopher", "Christopher") == 11
    assert longest(automaton, b"christopher", "Christopher.") == 0
    assert longest(automaton, b"christopherle", 'Christopher Le"}') == 13


def test_nor_where_nothing_kept_its_author_from_ending_the_phrase() -> None:
    automaton = Automaton.compile(["Christopher Lee", "Orla Venn"])
    assert next(unfinished(automaton, b"christopher", "Christopher", past=True), 0) == 0
    assert next(unfinished(automaton, b"christopherle", "Christopher Le", past=True), 0) == 13
    assert longest(automaton, b"orlaven", "Orla Ven’") == 7


def test_a_day_and_a_month_are_unfinished_once_some_of_the_year_is_said() -> None:
    automaton = Automaton.compile(["13 July 1948", "July 13, 1948", "14 juillet", "Maren 13 7781"])
    for said in ("13 July", "July 13", "13 July 19", "14 juil", "Maren 13"):
        folded = fold(said).encode()
        counts = said in ("13 July 19", "14 juil", "Maren 13")
        assert longest(automaton, folded, said) == (len(folded) if counts else 0), said
