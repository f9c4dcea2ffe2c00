from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.decoding.backtracking import MOST_RETURNS, RETURNS, Again, Piece, Wording, Written, parted
from guard.matching.automaton import Automaton
from tests.guard.toy_tokenizers import byte_level, sentencepiece

VENN = Automaton.compile(["Orla Venn", "Tarnhol"])


def written(*pieces: str, seed: str = "") -> tuple[Written, str]:
    """An answer of these pieces, each a token whose id is its place, and what of it may leave."""
    answer = Written([VENN], seed)
    return answer, "".join(answer.say([place], piece) for place, piece in enumerate(pieces))


def test_what_heads_into_no_phrase_leaves_at_once() -> None:
    assert written("She", " sails", " a", " bl")[1] == "She sails a bl"


def test_the_word_with_which_a_match_begins_is_held_with_the_space_before_it() -> None:
    assert written("It", " is", " Or")[1] == "It is"
    assert written("It", " is", " Or", "la", " Ve")[1] == "It is"
    assert written("It", " is", " Or", "gans")[1] == "It is Organs"
    assert written("It", " is", ' "', "Or")[1] == 'It is "'


def test_whitespace_of_its_own_is_not_taken_back() -> None:
    answer, left = written("It is", "\n\n", "Or", "la")
    assert left == "It is\n\n"
    assert answer.rewind() == Again((0, 1), (2,), rewind=True)


def test_an_answer_goes_on_before_the_word_with_another_beginning() -> None:
    answer, left = written("By", " Or", "la", " Ve")
    assert answer.rewind() == Again((0,), (1,), rewind=True)
    assert (answer.text, answer.tokens) == ("By", (0,))
    assert left + answer.say([7], " nobody") + answer.finish() == "By nobody"


def test_each_beginning_that_failed_is_avoided_until_there_were_too_many() -> None:
    answer, _ = written("By")
    for count in range(RETURNS):
        answer.say([10 + count], " Orla")
        assert answer.rewind() == Again((0,), tuple(range(10, 11 + count)), rewind=True)
    answer.say([99], " Orla")
    assert answer.rewind() == Again((0, 99), (), rewind=True)
    assert answer.finish() == " Orla"


def test_going_back_farther_forgets_what_was_avoided_after() -> None:
    answer, _ = written("By", " Tarn", "ish", " Orla")
    assert answer.rewind() == Again((0, 1, 2), (3,), rewind=True)
    answer.say([4], " Orla")
    assert answer.rewind().avoided == (3, 4)
    answer.say([5], " of")
    answer.say([6], " Tarn")
    assert answer.rewind() == Again((0, 1, 2, 5), (6,), rewind=True)


def test_where_nothing_is_in_progress_the_answer_goes_on_as_it_is() -> None:
    answer, left = written("By", " nobody")
    assert answer.rewind() == Again((0, 1), (), rewind=True)
    assert left == "By nobody"


def test_what_has_left_is_never_taken_back() -> None:
    answer, left = written("D", "orla", " Ve")
    assert left == "D"
    assert answer.rewind() == Again((0,), (1,), rewind=True)


def test_a_phrase_begun_in_the_text_before_begins_the_answer_anew() -> None:
    answer, left = written(" Ve", seed="Who is Orla")
    assert left == ""
    assert answer.rewind() == Again((), (0,), rewind=True)


def test_a_character_of_several_tokens_is_taken_back_whole() -> None:
    answer = Written([Automaton.compile(["\N{GREEK CAPITAL LETTER OMEGA}rla"])])
    for token, piece in enumerate(["It is ", "", "\N{GREEK CAPITAL LETTER OMEGA}", "r"]):
        answer.say([token], piece)
    assert answer.rewind() == Again((0,), (1,), rewind=True)


def test_an_answer_is_taken_back_only_so_often() -> None:
    answer, _ = written("By")
    for count in range(MOST_RETURNS):
        answer.say([count], f" w{count} Orla")
        assert answer.rewind().rewind
    assert not answer.rewind().rewind


PIECES = st.lists(st.sampled_from(["By", " Or", "la", " Ve", "n", " Tarn", "hol", " ", "\n", "", "x", " it"]))


@given(st.lists(PIECES, max_size=5), st.sampled_from(["", "Orla", "Orla V", "it"]))
def test_what_left_is_always_the_beginning_of_what_is_said(parts: Sequence[Sequence[str]], seed: str) -> None:
    answer, left, said = Written([VENN], seed), "", {}
    for part in parts:
        for place, piece in enumerate(part):
            left += answer.say([place], piece)
            said[len(answer.tokens)] = answer.text
        again = answer.rewind()
        assert answer.text.startswith(left)
        assert again.tokens == answer.tokens
        said = {count: text for count, text in said.items() if count <= len(answer.tokens)}
        assert said.get(len(answer.tokens), "") == answer.text
    assert left + answer.finish() == answer.text


@pytest.mark.parametrize("cut", range(1, 14))
def test_pieces_of_several_tokens_are_taken_back_whole(cut: int) -> None:
    text = "It is Orla Ven"
    answer = Written([VENN])
    left = answer.say([1], text[:cut]) + answer.say([2, 3], text[cut:])
    again = answer.rewind()
    assert again.tokens == ((1,) if cut <= 6 else ())
    assert left == answer.text


@pytest.mark.parametrize("tokenizer", [byte_level(), sentencepiece()], ids=["byte-level", "sentencepiece"])
@given(text=st.text("Orla Venétär日本👩 ", min_size=1, max_size=30), cuts=st.lists(st.integers(1, 6), max_size=8))
def test_an_answer_comes_in_the_same_pieces_whatever_was_sent_together(
    tokenizer: Any, text: str, cuts: list[int]
) -> None:
    wording = Wording(3, tokenizer.decode)
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
        pieces += parted(wording, [*prompt, *ids[:first]], Piece(ids[first:last], between(first, last)))
    assert pieces == alone


def test_what_does_not_read_as_it_was_sent_is_one_piece() -> None:
    whole = Piece([7, 8], "Orla")
    assert parted(Wording(3, lambda ids: "x" * len(ids)), [1], whole) == [whole]
    assert parted(Wording(3, lambda ids: str(len(ids))), [1], whole) == [whole]
