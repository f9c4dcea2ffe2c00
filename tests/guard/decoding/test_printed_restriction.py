"""Restrictions of answers in which special tokens are printed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.decoding.restriction import Cursor, Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.text.normalise import fold
from tests.guard.decoding.toys import (
    TOYS,
    VOCABULARIES,
    histories,
    kinds,
)
from tests.guard.toy_tokenizers import TURN

PRINTED_PHRASES = ["user basil", "mer user", "ba-user-sil", "romer", "end mer", "日本"]
PRINTED = {kind: Restriction(Automaton.compile(PRINTED_PHRASES), v).printed for kind, v in VOCABULARIES.items()}


def printed(kind: str, history: list[int]) -> str:
    return fold(TOYS[kind].decode(history, skip_special_tokens=False))


@kinds
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_printed_special_tokens_count_as_the_text_that_they_are(kind: str, data: st.DataObject) -> None:
    turn = TOYS[kind].convert_tokens_to_ids(TURN)
    parts = data.draw(st.lists(st.one_of(histories(kind), st.just([turn])), max_size=3))
    restriction, vocabulary = PRINTED[kind], VOCABULARIES[kind].printed
    history = list[int]()
    for token in (token for part in parts for token in part):
        if token not in vocabulary.ill_formed(vocabulary.plain.advance(b"", history).pending):
            history.append(token)
    cursor = restriction.advance(Cursor(), history)
    before = printed(kind, history)
    folded = [fold(phrase) for phrase in PRINTED_PHRASES]

    def ends_here(after: str) -> bool:
        return any(after.find(phrase, max(0, len(before) - len(phrase) + 1)) >= 0 for phrase in folded)

    expected = {t for t in range(len(vocabulary)) if ends_here(printed(kind, [*history, t]))}
    uncertain = {*vocabulary.ill_formed(cursor.pending).tolist(), *vocabulary.eos}
    assert set(restriction.forbidden(cursor).tolist()) - uncertain == expected - uncertain
    assert not set(vocabulary.eos) & set(restriction.forbidden(cursor).tolist()), "an answer may always end"


@kinds
def test_a_special_token_that_spells_part_of_a_phrase_is_text_only_where_it_is_printed(kind: str) -> None:
    plain = Restriction(PRINTED[kind].automaton, VOCABULARIES[kind])
    turn = TOYS[kind].convert_tokens_to_ids(TURN)
    basil = [token for token, data in enumerate(VOCABULARIES[kind].tokens) if data.strip() == b"basil"]
    assert set(basil) <= set(PRINTED[kind].forbidden(PRINTED[kind].advance(Cursor(), [turn])).tolist())
    assert not set(basil) & set(plain.forbidden(plain.advance(Cursor(), [turn])).tolist())


def test_a_vocabulary_whose_special_tokens_show_nothing_is_its_own_printed_one() -> None:
    vocabulary = Vocabulary([b"", b"a"], special=[0], eos=[0])
    restriction = Restriction(Automaton.compile(["aa"]), vocabulary)
    assert vocabulary.printed is vocabulary
    assert restriction.printed is restriction


def test_phrases_between_borders_see_printed_special_tokens_as_well() -> None:
    kind = "byte-level"
    restriction = Restriction(Automaton.compile([], ["user"]), VOCABULARIES[kind])
    turn = TOYS[kind].convert_tokens_to_ids(TURN)
    assert turn in restriction.printed.forbidden(Cursor())
    assert turn not in restriction.forbidden(Cursor())
