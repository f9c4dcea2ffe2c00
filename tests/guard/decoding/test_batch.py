from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.decoding.batch import Masks, RestrictedBatch
from guard.decoding.request_args import Backtracking
from guard.decoding.restriction import Cursor, Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton

# Ids: 0 ends, 1 divides turns, 2 is absent, 3 to 7 are letters and a syllable.
EOS, TURN, ABSENT, A, B, C, AB, SPACE = range(8)
VOCABULARY = Vocabulary([b"", b"", b"", b"a", b"b", b"c", b"ab", b" "], special={0, 1}, eos=(0,), absent=(2,))
ABC = Restriction(Automaton.compile(["abc"]), VOCABULARY)
BB = Restriction(Automaton.compile(["bb"]), VOCABULARY)


def forbidden(masks: Masks, row: int) -> set[int]:
    return {token for at, token in zip(masks.rows.tolist(), masks.tokens.tolist(), strict=True) if at == row}


def test_a_row_is_forbidden_what_any_of_its_restrictions_forbids() -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(2, [ABC, BB], [A], [B])
    masks = batch.masks(8)
    assert forbidden(masks, 2) == {B, C, ABSENT}
    assert masks.restricted.tolist() == [2]
    assert masks.closed.tolist() == []


def test_the_output_is_read_as_it_grows() -> None:
    batch, output = RestrictedBatch(VOCABULARY), [A]
    batch.put(0, [ABC], [], output)
    assert forbidden(batch.masks(8), 0) == {ABSENT}
    output += [TURN, B, SPACE]
    assert forbidden(batch.masks(8), 0) == {C, ABSENT}
    assert forbidden(batch.masks(8), 0) == {C, ABSENT}


def test_an_output_that_became_shorter_is_read_again() -> None:
    batch, output = RestrictedBatch(VOCABULARY), [A, B]
    batch.put(0, [ABC], [], output)
    assert C in forbidden(batch.masks(8), 0)
    output[:] = [A]
    assert C not in forbidden(batch.masks(8), 0)


def test_columns_without_a_token_are_forbidden() -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC], [], [])
    masks = batch.masks(11)
    assert (forbidden(masks, 0), masks.past) == ({ABSENT}, 8)


def test_tokens_without_a_column_are_left_out() -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC], [A, B], [])
    batch.put(1, [ABC], [A, B], [])
    masks = batch.masks(C)
    assert (masks.rows.tolist(), masks.tokens.tolist(), masks.past) == ([0, 1], [ABSENT, ABSENT], C)


@pytest.mark.parametrize(("prompt", "output"), [([], [A, -1]), ([], [8]), ([99], []), ([-1], [A])])
def test_a_row_whose_tokens_are_not_known_is_closed_for_good(
    prompt: list[int], output: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC], prompt, output)
    batch.put(1, [ABC], [A], [B])
    with caplog.at_level(logging.ERROR):
        masks = batch.masks(8)
    assert masks.closed.tolist() == [0]
    assert forbidden(masks, 1) == {C, ABSENT}
    output[:] = []
    assert batch.masks(8).closed.tolist() == [0]


def test_only_the_type_of_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Restriction):
        def state(self, cursor: Cursor):
            raise RuntimeError("Basil Romerto")

    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [Failing(ABC.automaton, VOCABULARY)], [], [])
    with caplog.at_level(logging.DEBUG):
        assert batch.masks(8).closed.tolist() == [0]
    assert caplog.messages == ["closed a row: RuntimeError"]


def test_rows_not_put_are_free() -> None:
    masks = RestrictedBatch(VOCABULARY).masks(8)
    assert [len(array) for array in (masks.tokens, masks.restricted, masks.closed)] == [0, 0, 0]


@given(
    st.sets(st.integers(0, 3)),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=6),
)
def test_rows_move_as_the_engine_moves_them(taken: set[int], moves: list[tuple[int, int, bool]]) -> None:
    batch = RestrictedBatch(VOCABULARY)
    expected: dict[int, int] = {}
    for index in taken:
        # Row k has generated k letters a, and is closed if k is 3.
        batch.put(index, [ABC], [], [A] * index) if index < 3 else batch.close(index)
        expected[index] = index
    for source, target, swap in (move for move in moves if move[0] != move[1]):
        batch.move(source, target, swap=swap)
        moved, replaced = expected.pop(source, None), expected.pop(target, None)
        if moved is not None:
            expected[target] = moved
        if swap and replaced is not None:
            expected[source] = replaced
    masks = batch.masks(8)
    assert set(masks.closed.tolist()) == {index for index, row in expected.items() if row == 3}
    assert {i: len(batch.rows[i].output) for i in masks.restricted.tolist()} == {
        index: row for index, row in expected.items() if row < 3
    }


def test_a_dropped_row_is_free() -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC], [], [])
    batch.close(1)
    batch.drop(0)
    batch.drop(1)
    batch.drop(2)
    masks = batch.masks(8)
    assert (masks.restricted.tolist(), masks.closed.tolist()) == ([], [])


def test_global_restrictions_hold_for_every_row_from_its_next_token_on() -> None:
    batch, output = RestrictedBatch(VOCABULARY), [A, B]
    batch.put(0, [BB], [], output)
    batch.put(1, [], [A], [B])
    batch.close(2)
    assert forbidden(batch.masks(8), 0) == {B, ABSENT}
    batch.set_global([ABC])
    batch.put(3, [], [], [AB])
    masks = batch.masks(8)
    assert [forbidden(masks, row) for row in range(4)] == [{B, C, ABSENT}, {C, ABSENT}, set(), {C, ABSENT}]
    assert (masks.restricted.tolist(), masks.closed.tolist()) == ([0, 1, 3], [2])


def test_a_removed_global_restriction_is_lifted_unless_the_row_named_it() -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.set_global([ABC])
    batch.put(0, [ABC], [], [A, B])
    batch.put(1, [], [], [A, B])
    batch.set_global([])
    masks = batch.masks(8)
    assert [forbidden(masks, row) for row in range(2)] == [{C, ABSENT}, set()]
    assert masks.restricted.tolist() == [0]


def test_a_row_that_may_abort_lists_what_would_complete_a_phrase_it_has_begun() -> None:
    batch, output = RestrictedBatch(VOCABULARY), [A]
    batch.put(0, [ABC, BB], [B], output, Backtracking(TURN, (SPACE,)))
    batch.put(1, [ABC], [A], [B])
    assert batch.masks(8).abort_candidates == ()
    output += [B]
    (candidate,) = batch.masks(8).abort_candidates
    assert (candidate.row, candidate.token, set(candidate.completing.tolist())) == (0, TURN, {B, C})
    assert [c.completing.tolist() for c in batch.masks(C).abort_candidates] == [[B]]
    assert batch.masks(TURN).abort_candidates == ()


def test_what_completes_phrases_of_two_automata_is_listed_once() -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC, Restriction(Automaton.compile(["bc"]), VOCABULARY)], [], [A, B], Backtracking(TURN))
    (candidate,) = batch.masks(8).abort_candidates
    assert candidate.completing.tolist() == [C]


def test_the_abort_token_is_forbidden_and_what_is_avoided_at_the_first_token() -> None:
    output: list[int] = []
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC], [A, B], output, Backtracking(TURN, (SPACE, A)))
    assert forbidden(batch.masks(8), 0) == {C, TURN, SPACE, A, AB, ABSENT}, "and what begins the same phrase"
    assert batch.masks(8).abort_candidates == (), "a row that has generated nothing has begun nothing"
    output += [AB]
    assert forbidden(batch.masks(8), 0) == {C, TURN, ABSENT}


def test_what_is_barred_is_forbidden_at_every_token() -> None:
    output: list[int] = []
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC], [A, B], output, Backtracking(TURN, (), (SPACE,)))
    assert forbidden(batch.masks(8), 0) == {C, TURN, SPACE, ABSENT}
    output += [AB]
    assert forbidden(batch.masks(8), 0) == {C, TURN, SPACE, ABSENT}


RAW = Vocabulary(
    [b"", b"a", b"\xc3", b"\xa9", b"\xaa", b"\xe6"],
    special={0},
    eos=(0,),
    raw={2: 0xC3, 3: 0xA9, 4: 0xAA, 5: 0xE6},
)


def test_in_the_middle_of_a_character_what_may_follow_is_listed_and_not_all_the_rest() -> None:
    batch = RestrictedBatch(RAW)
    restriction = Restriction(Automaton.compile(["aéa"]), RAW)
    for row, output in enumerate(([1, 2], [5], [1], [5, 3])):
        batch.put(row, [restriction], [], output)
    masks = batch.masks(8)
    assert masks.unfinished.tolist() == [0, 1, 3]
    assert [sorted(set(row)) for row in masks.allowed.tolist()] == [[0, 3, 4]] * 3
    assert [forbidden(masks, row) for row in range(4)] == [set(), set(), {3, 4}, set()]


def test_a_row_is_reduced_only_where_a_phrase_forbids_something() -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [ABC], [A, B], [])
    batch.put(1, [ABC], [A], [])
    batch.put(2, [ABC], [A], [A], Backtracking(TURN))
    batch.put(3, [ABC], [A], [], Backtracking(TURN, (C,)))
    assert batch.masks(8).exhaustible.tolist() == [0, 3]


def test_a_row_that_prints_special_tokens_is_restricted_by_their_text() -> None:
    printing = Vocabulary(
        [b"", b"", b"a", b"b"], special={0, 1}, eos=(0,), printed={0: b"<|end|>", 1: b"<|turn a|>"}
    )
    batch = RestrictedBatch(printing)
    own = Restriction(Automaton.compile(["turn ab"]), printing)
    batch.set_global([Restriction(Automaton.compile(["b turn"]), printing)])
    for row, prints in enumerate((False, True)):
        batch.put(row, [own], [], [1], prints_special=prints)
        batch.put(2 + row, [own], [], [3], prints_special=prints)
    masks = batch.masks(4)
    assert [forbidden(masks, row) for row in range(4)] == [set(), {3}, set(), {1}]


def test_rows_of_a_policy_set_have_its_global_restrictions_instead() -> None:
    batch, staff, unknown = RestrictedBatch(VOCABULARY), "a" * 16, "b" * 16
    batch.put(0, [], [], [A, B], policy_set=staff)
    batch.set_global([ABC], {staff: []})
    batch.put(1, [], [], [A, B], policy_set=staff)
    batch.put(2, [], [], [A, B])
    # One that is not published yet has all.
    batch.put(3, [], [], [A, B], policy_set=unknown)
    masks = batch.masks(8)
    assert [forbidden(masks, row) for row in range(4)] == [set(), set(), {C, ABSENT}, {C, ABSENT}]
    batch.set_global([], {staff: [ABC]})
    masks = batch.masks(8)
    assert [forbidden(masks, row) for row in range(4)] == [{C, ABSENT}, {C, ABSENT}, set(), set()]
