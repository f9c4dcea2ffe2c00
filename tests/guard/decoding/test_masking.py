from __future__ import annotations

import pytest
import torch

from guard.decoding.batch import RestrictedBatch
from guard.decoding.masking import close_all, mask
from guard.decoding.request_args import Backtracking
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton

EOS, A, B, C = range(4)
VOCABULARY = Vocabulary([b"", b"a", b"b", b"c"], special={0}, eos=(EOS,))
NEVER = float("-inf")


@pytest.fixture
def batch() -> RestrictedBatch:
    """Row 0 is free, row 1 must not say c, row 2 is closed."""
    batch = RestrictedBatch(VOCABULARY)
    batch.put(1, [Restriction(Automaton.compile(["abc"]), VOCABULARY)], [A, B], [])
    batch.close(2)
    return batch


def test_each_row_is_masked_on_its_own(batch: RestrictedBatch) -> None:
    logits = torch.arange(1.0, 16.0).reshape(3, 5)
    mask(logits, batch, VOCABULARY.eos)
    assert logits.tolist() == [
        [1, 2, 3, 4, 5],
        [6, 7, 8, NEVER, NEVER],
        [0, NEVER, NEVER, NEVER, NEVER],
    ]


def test_a_row_with_nothing_left_may_end(batch: RestrictedBatch) -> None:
    logits = torch.full((3, 4), NEVER)
    logits[1, C] = 3.0
    mask(logits, batch, VOCABULARY.eos)
    assert logits.tolist() == [[NEVER] * 4, [0, NEVER, NEVER, NEVER], [0, NEVER, NEVER, NEVER]]


@pytest.mark.parametrize("restricted", range(1, 9))
def test_however_many_rows_are_restricted_those_with_nothing_left_may_end(restricted: int) -> None:
    """Few of them are reduced by themselves, many with the whole batch."""
    batch, abc = RestrictedBatch(VOCABULARY), Restriction(Automaton.compile(["abc"]), VOCABULARY)
    for row in range(restricted):
        batch.put(7 - row, [abc], [A, B], [])
    logits = torch.full((8, 4), NEVER)
    logits[:, C] = 3.0
    logits[7, A] = 1.0
    mask(logits, batch, VOCABULARY.eos)
    free, ended, alive = [NEVER, NEVER, NEVER, 3], [0, NEVER, NEVER, NEVER], [NEVER, 1, NEVER, NEVER]
    assert logits.tolist() == [free] * (8 - restricted) + [ended] * (restricted - 1) + [alive]


def test_a_view_of_padded_logits_is_masked_in_place(batch: RestrictedBatch) -> None:
    padded = torch.ones(3, 8)
    mask(padded[:, :4], batch, VOCABULARY.eos)
    assert padded[1].tolist() == [1, 1, 1, NEVER, 1, 1, 1, 1]
    assert padded[0].tolist() == [1] * 8


def test_where_only_padding_is_forbidden_a_row_is_not_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [Restriction(Automaton.compile(["abc"]), VOCABULARY)], [], [])
    logits = torch.ones(2, 6)
    monkeypatch.setattr(torch, "isneginf", None)
    mask(logits, batch, VOCABULARY.eos)
    assert logits.tolist() == [[1, 1, 1, 1, NEVER, NEVER], [1] * 6]


def test_free_rows_are_left_alone() -> None:
    logits = torch.full((2, 4), NEVER)
    mask(logits, RestrictedBatch(VOCABULARY), VOCABULARY.eos)
    assert logits.isneginf().all()


def test_every_row_can_be_closed() -> None:
    logits = torch.ones(2, 4)
    close_all(logits, VOCABULARY.eos)
    assert logits.tolist() == [[0, NEVER, NEVER, NEVER]] * 2


@pytest.mark.parametrize(("c", "aborts"), [(0.9, False), (1.2, True)])
def test_a_row_aborts_where_half_of_its_mass_would_complete_a_phrase(c: float, aborts: bool) -> None:
    batch = RestrictedBatch(VOCABULARY)
    restriction = Restriction(Automaton.compile(["abc"]), VOCABULARY)
    batch.put(0, [restriction], [], [A, B], Backtracking(4))
    batch.put(1, [restriction], [], [A, B])
    logits = torch.tensor([[NEVER, NEVER, 1.0, c, NEVER]] * 2)
    mask(logits, batch, VOCABULARY.eos)
    assert logits[0].tolist() == ([NEVER] * 4 + [0.0] if aborts else [NEVER, NEVER, 1.0, NEVER, NEVER])
    assert logits[1].tolist() == [NEVER, NEVER, 1.0, NEVER, NEVER]


@pytest.mark.parametrize(("c", "aborts"), [(0.4, False), (0.6, True)])
def test_a_row_aborts_where_the_likeliest_token_would_complete_a_phrase(c: float, aborts: bool) -> None:
    """However little mass it has: what comes instead would not go on with the word."""
    batch = RestrictedBatch(VOCABULARY)
    batch.put(0, [Restriction(Automaton.compile(["abc"]), VOCABULARY)], [], [A, B], Backtracking(4))
    logits = torch.tensor([[0.5, 0.5, 0.5, c, NEVER]])
    mask(logits, batch, VOCABULARY.eos)
    assert (logits[0, 4] == 0.0) == aborts


RAW = Vocabulary(
    [b"", b"a", b"\xc3", b"\xa9", b"\xaa", b"\xe6"],
    special={0},
    eos=(EOS,),
    raw={2: 0xC3, 3: 0xA9, 4: 0xAA, 5: 0xE6},
)


def test_in_the_middle_of_a_character_only_what_goes_on_with_it_or_ends_is_left() -> None:
    batch = RestrictedBatch(RAW)
    restriction = Restriction(Automaton.compile(["aé"]), RAW)
    # With the first byte of é pending after a, after b, and again where nothing that may follow is left.
    batch.put(0, [restriction], [], [1, 2])
    batch.put(1, [restriction], [], [5])
    batch.put(3, [restriction], [], [5])
    logits = torch.arange(1.0, 29.0).reshape(4, 7)
    logits[3, [0, 3, 4]] = NEVER
    mask(logits, batch, RAW.eos)
    # a and é fold to "ae", as do a and ê.
    assert logits[0].tolist() == [1, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER]
    assert logits[1].tolist() == [8, NEVER, NEVER, 11, 12, NEVER, NEVER]
    assert logits[2].tolist() == list(range(15, 22))
    assert logits[3].tolist() == [0, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER]


def test_a_byte_that_begins_no_character_is_forbidden_without_reducing_the_logits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = RestrictedBatch(RAW)
    batch.put(0, [Restriction(Automaton.compile(["aé"]), RAW)], [], [])
    logits = torch.ones(1, 7)
    monkeypatch.setattr(torch, "isneginf", None)
    mask(logits, batch, RAW.eos)
    assert logits.tolist() == [[1, 1, 1, NEVER, NEVER, 1, NEVER]]
