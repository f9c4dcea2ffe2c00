from __future__ import annotations

import random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guard.decoding.restriction import Cursor, Restriction
from guard.matching.automaton import Automaton
from guard.text.normalise import fold
from tests.guard.decoding.toys import (
    AUTOMATON,
    PHRASES,
    RESTRICTIONS,
    TOYS,
    VOCABULARIES,
    as_bytes,
    completes,
    histories,
    kinds,
    shown,
)
from tests.guard.toy_tokenizers import EOS, TURN


@kinds
@settings(max_examples=50)
@given(data=st.data())
def test_forbidden_are_the_tokens_that_complete_a_phrase_as_decoded(kind: str, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    vocabulary, restriction = VOCABULARIES[kind], RESTRICTIONS[kind]
    cursor = restriction.advance(Cursor(), history)
    before = shown(kind, history)
    # A phrase that the mask let through ends here, and the unfinished character after it hides it from `before`.
    assume(not (cursor.pending and AUTOMATON.accepting[cursor.state]))
    ill_formed = set(vocabulary.ill_formed(cursor.pending).tolist())
    expected = {t for t in range(len(vocabulary)) if completes(before, shown(kind, [*history, t]))}
    assert set(restriction.forbidden(cursor).tolist()) - ill_formed == expected - ill_formed


@kinds
def test_sampling_under_the_mask_never_says_a_phrase(kind: str) -> None:
    restriction, vocabulary, rng = RESTRICTIONS[kind], VOCABULARIES[kind], random.Random(0)
    # Half of the time from what phrases are made of, so that they are missed by a hair.
    near = [
        t
        for t, token in enumerate(vocabulary.tokens)
        if token and vocabulary.plain.decoded[t].folded.decode() in "".join(map(fold, PHRASES))
    ]
    held_off = 0
    for _ in range(40):
        cursor, text = Cursor(), []
        for _ in range(100):
            token = rng.choice(near) if rng.random() < 0.8 else rng.randrange(len(vocabulary))
            if token in restriction.forbidden(cursor):
                held_off += 1
                continue
            text.append(token)
            cursor = restriction.advance(cursor, [token])
        assert not completes("", shown(kind, text))
    assert held_off > 100


@kinds
def test_whatever_the_tokenisation_the_last_piece_is_forbidden(kind: str) -> None:
    restriction, tokenizer = RESTRICTIONS[kind], TOYS[kind]
    for begun in ("Basil Romert", "b-A-s-i-l ROM\u200bERT", "Вasil rоmеrt"):
        for history in (tokenizer.encode(begun, add_special_tokens=False), as_bytes(kind, begun.encode())):
            forbidden = restriction.forbidden(restriction.advance(Cursor(), history))
            for end in ("o", "to", "O"):
                token = tokenizer.encode(end, add_special_tokens=False)[-1]
                assert (token in forbidden) == completes(shown(kind, history), shown(kind, [*history, token]))
            assert tokenizer.encode("o", add_special_tokens=False)[-1] in forbidden


def test_a_character_split_over_tokens_is_forbidden_at_its_last_byte() -> None:
    restriction = RESTRICTIONS["byte-level"]
    *begun, last = as_bytes("byte-level", "日本".encode())
    cursor = restriction.advance(Cursor(), begun)
    assert cursor.pending == "本".encode()[:2]
    assert last in restriction.forbidden(cursor)
    assert last not in restriction.forbidden(restriction.advance(cursor, as_bytes("byte-level", b"x")))


@kinds
def test_a_special_token_in_an_answer_is_skipped(kind: str) -> None:
    restriction, tokenizer = RESTRICTIONS[kind], TOYS[kind]
    begun = tokenizer.encode("Basil Romert", add_special_tokens=False)
    turn = tokenizer.convert_tokens_to_ids(TURN)
    assert restriction.advance(Cursor(), [*begun, turn]) == restriction.advance(Cursor(), begun)


@kinds
@settings(max_examples=50)
@given(data=st.data())
def test_a_prompt_counts_from_its_last_special_token(kind: str, data: st.DataObject) -> None:
    restriction, turn = RESTRICTIONS[kind], TOYS[kind].convert_tokens_to_ids(TURN)
    earlier, last = data.draw(histories(kind)), data.draw(histories(kind))
    last = [token for token in last if token not in VOCABULARIES[kind].special]
    assert restriction.seed([*earlier, turn, *last]) == restriction.advance(Cursor(), last)
    filler = TOYS[kind].encode("x" * 50, add_special_tokens=False)
    assert restriction.seed([*filler, *last]) == restriction.advance(Cursor(), [*filler, *last])


@kinds
@given(data=st.data())
def test_resuming_forbids_what_reading_on_from_the_prompt_forbids(kind: str, data: st.DataObject) -> None:
    restriction = RESTRICTIONS[kind]
    prompt, output = data.draw(histories(kind)), data.draw(histories(kind))
    output = output * data.draw(st.integers(1, 3))
    resumed = restriction.resume(prompt, output)
    assert resumed == restriction.advance(restriction.seed(prompt), output)


@kinds
@given(data=st.data())
def test_transitions_lead_where_reading_the_tokens_at_once_does(kind: str, data: st.DataObject) -> None:
    restriction = RESTRICTIONS[kind]
    output = data.draw(histories(kind))
    state = restriction.state(Cursor())
    for token in output:
        state = restriction.next_state(state, token)
    assert state is restriction.state(restriction.advance(Cursor(), output))


def test_a_phrase_in_the_prompt_does_not_end_matching() -> None:
    restriction, tokenizer = RESTRICTIONS["byte-level"], TOYS["byte-level"]
    cursor = restriction.seed(tokenizer.encode("Who is Basil Romerto? Basil Romert"))
    forbidden = restriction.forbidden(cursor)
    assert tokenizer.convert_tokens_to_ids("o") in forbidden
    assert tokenizer.convert_tokens_to_ids("a") not in forbidden
    assert tokenizer.convert_tokens_to_ids(EOS) not in forbidden


def test_without_phrases_nothing_is_forbidden() -> None:
    restriction = Restriction(Automaton.compile([]), VOCABULARIES["byte-level"])
    assert restriction.forbidden(restriction.advance(Cursor(), [300, 301])).tolist() == []
