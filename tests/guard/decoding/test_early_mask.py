"""The early mask: words that aborted are not begun again."""

from __future__ import annotations

from guard.decoding.restriction import Cursor, Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton

NAMES = [b"", b" Fro", b" F", b"fro", b" FROD", b" Frog", b" Fin", b" Sam", b" S", b"do", b" the", b" ", b"x"]
NAMED = Vocabulary([*NAMES, *(b"w%d" % count for count in range(100))], special={0}, eos=(0,))
HEROES = Restriction(Automaton.compile(["Frodo", "Samwise"]), NAMED)


def avoided(restriction: Restriction, *rejected: bytes, cursor: Cursor | None = None) -> set[bytes]:
    tokens, cursor = restriction.vocabulary.tokens, cursor or Cursor()
    return {tokens[i] for i in restriction.avoided(cursor, [tokens.index(one) for one in rejected])}


def test_a_word_that_aborted_is_not_begun_again_in_another_tokenisation() -> None:
    """Nothing else with these letters is avoided: "Frog" leaves the phrase, and " Sam" begins another."""
    assert avoided(HEROES, b" Fro") == {b" Fro", b" F", b"fro", b" FROD"}
    assert avoided(HEROES, b" F") == {b" Fro", b" F", b"fro", b" FROD"}
    assert avoided(HEROES, b" Sam") == {b" Sam", b" S"}


def test_after_several_aborts_at_one_place_no_phrase_is_begun_there() -> None:
    early = {b" Fro", b" F", b"fro", b" FROD", b" Sam", b" S"}
    assert avoided(HEROES, b" Fin", b" Frog", b"x") == early


def test_a_phrase_begun_before_the_place_is_not_gone_on_with() -> None:
    after = HEROES.seed([NAMES.index(b" F")])
    assert avoided(HEROES, b"x", b" the", b" Fin", cursor=after) >= {b" Fro", b" Sam"}
    assert b"do" not in avoided(HEROES, b"x", b" the", b" Fin", cursor=after), "F and do are no beginning"


def test_the_early_mask_is_left_out_where_it_would_forbid_much_of_the_vocabulary() -> None:
    """As under many phrases, of which nearly every token begins one."""
    crowded = Restriction(Automaton.compile(["Frodo", *(f"w{count}x" for count in range(40))]), NAMED)
    assert avoided(crowded, b" Fro", b"x", b" the") == {b" Fro", b" F", b"fro", b" FROD"}


def test_short_names_are_avoided_with_their_borders() -> None:
    eve = Restriction(
        Automaton.compile([], ["Eve"]),
        Vocabulary([b"", b" E", b"E", b" Ev", b" even", b" ", b"ve"], special={0}, eos=(0,)),
    )
    assert avoided(eve, b" Ev", cursor=Cursor(bordered=eve.automaton.bordered.initial)) == {b" E", b" Ev"}
