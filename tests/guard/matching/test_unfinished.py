from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.unfinished import longest_unfinished
from guard.text.normalise import fold

words = st.text("abc1", min_size=1, max_size=9)


@given(st.lists(words, min_size=1, max_size=6), st.text("abc1", max_size=12))
def test_the_longest_unfinished_phrase_is_found_whatever_longer_match_is_in_progress(
    phrases: list[str], text: str
) -> None:
    folded = fold(text)
    if any(phrase in folded for phrase in phrases):
        return

    def unfinished(part: str) -> bool:
        share = 1 / 2 if "1" in part else 2 / 3
        return any(phrase.startswith(part) and len(part) > share * len(phrase) for phrase in phrases)

    expected = max((k for k in range(1, len(folded) + 1) if unfinished(folded[-k:])), default=0)
    assert longest_unfinished(Automaton.compile(phrases), folded.encode(), text) == expected


def test_a_mark_after_the_last_word_says_that_the_answer_has_gone_on() -> None:
    automaton = Automaton.compile(["Christopher Lee", "Orla Venn"])
    assert longest_unfinished(automaton, b"christopher", "Christopher") == 11
    assert longest_unfinished(automaton, b"christopher", "Christopher.") == 0
    assert longest_unfinished(automaton, b"christopherle", 'Christopher Le"}') == 13
    assert longest_unfinished(automaton, b"orlaven", "Orla Ven’") == 7
