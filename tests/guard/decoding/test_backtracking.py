from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.decoding.backtracking import (
    MAX_ATTEMPTS_PER_POSITION,
    MAX_BACKTRACKS,
    AbortToken,
    Backtracker,
    Piece,
    Restart,
    split_piece,
)
from guard.matching.automaton import Automaton
from tests.guard.toy_tokenizers import byte_level, sentencepiece

VENN = Automaton.compile(["Orla Venn", "Tarnhol"])


def answer_of(*pieces: str, seed: str = "") -> tuple[Backtracker, str]:
    """Return an answer of these pieces, each a token whose id is its index, and what may be released of it."""
    answer = Backtracker([VENN], seed)
    return answer, "".join(answer.feed([index], piece) for index, piece in enumerate(pieces))


def test_text_without_a_match_in_progress_is_released_at_once() -> None:
    assert answer_of("She", " sails", " a", " bl")[1] == "She sails a bl"


def test_the_word_with_which_a_match_begins_is_held_with_the_space_before_it() -> None:
    assert answer_of("It", " is", " Or")[1] == "It is"
    assert answer_of("It", " is", " Or", "la", " Ve")[1] == "It is"
    assert answer_of("It", " is", " Or", "gans")[1] == "It is Organs"
    assert answer_of("It", " is", ' "', "Or")[1] == 'It is "'


def test_whitespace_of_its_own_is_not_taken_back() -> None:
    answer, left = answer_of("It is", "\n\n", "Or", "la")
    assert left == "It is\n\n"
    assert answer.backtrack() == Restart((0, 1), (2,), may_abort=True)


def test_an_answer_continues_before_the_word_with_another_first_token() -> None:
    answer, left = answer_of("By", " Or", "la", " Ve")
    assert answer.backtrack() == Restart((0,), (1,), may_abort=True)
    assert (answer.text, answer.tokens) == ("By", (0,))
    assert left + answer.feed([7], " nobody") + answer.finish() == "By nobody"


def test_each_first_token_that_failed_is_avoided_until_there_were_too_many() -> None:
    answer, _ = answer_of("By")
    for count in range(MAX_ATTEMPTS_PER_POSITION):
        answer.feed([10 + count], " Orla")
        tried = tuple(range(10, 11 + count))
        assert answer.backtrack() == Restart((0,), tried, may_abort=True, barred=tried)
    answer.feed([99], " Orla")
    assert answer.backtrack() == Restart((0, 99), (), may_abort=True, barred=tried)
    assert answer.finish() == " Orla"


def test_backtracking_farther_forgets_what_was_avoided_after() -> None:
    answer, _ = answer_of("By", " Tarn", "ish", " Orla")
    assert answer.backtrack() == Restart((0, 1, 2), (3,), may_abort=True, barred=(3,))
    answer.feed([4], " Orla")
    assert answer.backtrack().avoided == (3, 4)
    answer.feed([5], " of")
    answer.feed([6], " Tarn")
    assert answer.backtrack() == Restart((0, 1, 2, 5), (6,), may_abort=True, barred=(3, 4, 6))


def test_an_answer_goes_back_to_the_first_word_that_tells_the_phrase_and_keeps_what_stands_before() -> None:
    answer = Backtracker([Automaton.compile(["The Manor of Venn"])])
    for token, piece in enumerate(("By", " The", " Manor", " of")):
        answer.feed([token], piece)
    assert answer.backtrack() == Restart((0, 1), (2,), may_abort=True, barred=(2,))
    assert answer.text == "By The"


def test_initials_are_taken_back_whole_and_articles_of_any_language_are_kept() -> None:
    answer = Backtracker([Automaton.compile(["J. R. Vellmar", "Der Vellmar der Ringe"])])
    for token, piece in enumerate(("By", " J", ".", " R", ".", " Vell")):
        answer.feed([token], piece)
    assert answer.backtrack() == Restart((0,), (1,), may_abort=True)
    for token, piece in enumerate((" Der", " Vellmar", " der"), start=10):
        answer.feed([token], piece)
    assert answer.backtrack() == Restart((0, 10), (11,), may_abort=True, barred=(11,))


@pytest.mark.parametrize("first", [" Or", "Orla", " of", " 17"])
def test_a_token_that_does_not_tell_its_word_from_others_is_barred_from_nowhere_else(first: str) -> None:
    """Too short, no beginning of a word, a common word, no word."""
    answer = Backtracker([Automaton.compile(["Orla Vell", "of Vell", "17 Vell"])])
    answer.feed([0], "By")
    answer.feed([1], first)
    assert answer.backtrack().barred == ()


def test_where_nothing_is_in_progress_the_answer_continues_as_it_is() -> None:
    answer, left = answer_of("By", " nobody")
    assert answer.backtrack() == Restart((0, 1), (), may_abort=True)
    assert left == "By nobody"


def test_released_text_is_never_taken_back() -> None:
    answer, left = answer_of("D", "orla", " Ve")
    assert left == "D"
    assert answer.backtrack() == Restart((0,), (1,), may_abort=True)


def test_a_phrase_begun_in_the_seed_restarts_the_answer() -> None:
    answer, left = answer_of(" Ve", seed="Who is Orla")
    assert left == ""
    assert answer.backtrack() == Restart((), (0,), may_abort=True)


def test_a_character_of_several_tokens_is_taken_back_whole() -> None:
    answer = Backtracker([Automaton.compile(["\N{GREEK CAPITAL LETTER OMEGA}rla"])])
    for token, piece in enumerate(["It is ", "", "\N{GREEK CAPITAL LETTER OMEGA}", "r"]):
        answer.feed([token], piece)
    assert answer.backtrack() == Restart((0,), (1,), may_abort=True)


def test_the_number_of_backtracks_is_bounded() -> None:
    answer, _ = answer_of("By")
    for count in range(MAX_BACKTRACKS):
        answer.feed([count], f" w{count} Orla")
        assert answer.backtrack().may_abort
    assert not answer.backtrack().may_abort


PIECES = st.lists(st.sampled_from(["By", " Or", "la", " Ve", "n", " Tarn", "hol", " ", "\n", "", "x", " it"]))


@given(st.lists(PIECES, max_size=5), st.sampled_from(["", "Orla", "Orla V", "it"]))
def test_released_text_is_always_a_prefix_of_the_answer(parts: Sequence[Sequence[str]], seed: str) -> None:
    answer, left, said = Backtracker([VENN], seed), "", {}
    for part in parts:
        for place, piece in enumerate(part):
            left += answer.feed([place], piece)
            said[len(answer.tokens)] = answer.text
        again = answer.backtrack()
        assert answer.text.startswith(left)
        assert again.tokens == answer.tokens
        said = {count: text for count, text in said.items() if count <= len(answer.tokens)}
        assert said.get(len(answer.tokens), "") == answer.text
    assert left + answer.finish() == answer.text


@pytest.mark.parametrize("cut", range(1, 14))
def test_pieces_of_several_tokens_are_taken_back_whole(cut: int) -> None:
    text = "It is Orla Ven"
    answer = Backtracker([VENN])
    left = answer.feed([1], text[:cut]) + answer.feed([2, 3], text[cut:])
    again = answer.backtrack()
    assert again.tokens == ((1,) if cut <= 6 else ())
    assert left == answer.text


@pytest.mark.parametrize("tokenizer", [byte_level(), sentencepiece()], ids=["byte-level", "sentencepiece"])
@given(text=st.text("Orla Venétär日本👩 ", min_size=1, max_size=30), cuts=st.lists(st.integers(1, 6), max_size=8))
def test_an_answer_comes_in_the_same_pieces_whatever_was_sent_together(
    tokenizer: Any, text: str, cuts: list[int]
) -> None:
    abort_token = AbortToken(3, tokenizer.decode)
    prompt, ids = tokenizer.encode("Who is it?"), tokenizer.encode(text, add_special_tokens=False)

    # What an engine has sent after each of the ids: all characters that are whole by then.
    sent = [tokenizer.decode(prompt)]
    for count in range(1, len(ids) + 1):
        read = tokenizer.decode([*prompt, *ids[:count]]).rstrip("\ufffd")
        sent.append(read if read.startswith(sent[-1]) else sent[-1])

    def between(first: int, last: int) -> str:
        return str(sent[last].removeprefix(sent[first]))

    alone = [Piece([one], between(place, place + 1)) for place, one in enumerate(ids)]
    pieces: list[Piece] = []
    while len(pieces) < len(ids):
        first = len(pieces)
        last = min(first + (cuts.pop() if cuts else 1), len(ids))
        pieces += split_piece(abort_token, [*prompt, *ids[:first]], Piece(ids[first:last], between(first, last)))
    assert pieces == alone


def test_what_does_not_read_as_it_was_sent_is_one_piece() -> None:
    whole = Piece([7, 8], "Orla")
    assert split_piece(AbortToken(3, lambda ids: "x" * len(ids)), [1], whole) == [whole]
    assert split_piece(AbortToken(3, lambda ids: str(len(ids))), [1], whole) == [whole]
