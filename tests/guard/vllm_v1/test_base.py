"""The life cycle of any processor, on one that writes a request's number into its row."""

from __future__ import annotations

import importlib
import logging
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

pytest.importorskip("vllm", reason="the engine is not installed")

from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality

from guard.decoding.request_args import PROCESSORS, EngineArgs, folder_of
from guard.decoding.rows import RowTable
from guard.decoding.vocabulary import Vocabulary, vocabulary_of
from guard.errors import ModelUnavailable, PolicyUnavailable
from guard.matching.automaton import Automaton
from guard.vllm_v1 import base
from guard.vllm_v1.base import RowProcessor
from tests.guard.toy_tokenizers import byte_level

TOKENIZER = byte_level()
WIDTH = len(TOKENIZER)
ONE_WAY, SWAP = MoveDirectionality.UNIDIRECTIONAL, MoveDirectionality.SWAP


class Numbering(RowProcessor):
    """Writes a request's number into its row: none closes nothing, 0 cannot be put, 99 cannot be applied."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._rows = RowTable()

    def _put(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        number = (params.extra_args or {}).get("number")
        if number is not None:
            self._rows.rows[index] = number / number * number

    def _apply(self, logits: torch.Tensor) -> None:
        for index, number in self._rows.rows.items():
            if number == 99:
                raise RuntimeError
            logits[index] = -1.0 if number is None else number


@pytest.fixture(autouse=True)
def tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "cached_tokenizer_from_config", lambda _: TOKENIZER)


@pytest.fixture
def processor() -> Numbering:
    return Numbering(SimpleNamespace(model_config=None), torch.device("cpu"), False)


def update(added: Any = (), removed: Any = (), moved: Any = ()) -> BatchUpdate:
    rows = [(index, SamplingParams(extra_args={"number": number}), [1], []) for index, number in added]
    return BatchUpdate(batch_size=8, removed=list(removed), added=rows, moved=list(moved))


def shown(processor: RowProcessor, rows: int = 4) -> list[float | str]:
    """Each row's number, 'closed' for one that may only end; -1 is a row that the processor was to close."""
    logits = torch.zeros(rows, WIDTH)
    assert processor.apply(logits) is logits
    closed = torch.full((WIDTH,), float("-inf")).index_fill(0, torch.tensor(TOKENIZER.eos_token_id), 0.0)
    return ["closed" if torch.equal(row, closed) else row[5].item() for row in logits]


def test_rows_are_followed_as_they_come_move_and_go(processor: Numbering) -> None:
    processor.update_state(update([(0, 1), (1, 2), (2, None), (3, 4)]))
    assert shown(processor) == [1, 2, 0, 4]
    processor.update_state(None)
    assert shown(processor) == [1, 2, 0, 4]
    processor.update_state(update(removed=[0], moved=[(3, 0, ONE_WAY), (1, 2, SWAP)]))
    assert shown(processor) == [4, 0, 2, 0]
    processor.update_state(update([(1, 7)], moved=[(0, 1, SWAP), (2, 0, ONE_WAY)]))
    assert shown(processor) == [2, 4, 0, 0]


def test_an_index_that_is_used_again_inherits_nothing(processor: Numbering) -> None:
    processor.update_state(update([(0, 1), (1, 0)]))
    assert shown(processor, 2) == [1, -1]
    processor.update_state(update([(0, None), (1, None)]))
    assert shown(processor, 2) == [0, 0]


def test_a_row_that_cannot_be_put_is_closed_alone(processor: Numbering, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "guard"):
        processor.update_state(update([(0, 1), (1, 0)]))
    assert shown(processor, 2) == [1, -1]
    assert caplog.messages == ["closed a row: ZeroDivisionError"]


def test_a_step_that_fails_closes_every_row_for_that_step(
    processor: Numbering, caplog: pytest.LogCaptureFixture
) -> None:
    processor.update_state(update([(0, 1), (1, 99)]))
    with caplog.at_level(logging.DEBUG, "guard"):
        assert shown(processor, 3) == ["closed"] * 3
    assert caplog.messages == ["closed all rows for a step: RuntimeError"]
    processor.update_state(update(removed=[1]))
    assert shown(processor, 3) == [1, 0, 0]


@pytest.mark.parametrize(
    "unfollowed",
    [
        SimpleNamespace(removed=None),
        BatchUpdate(batch_size=4, removed=[0], added=[None], moved=[]),
        BatchUpdate(batch_size=4, removed=[], added=[], moved=[(1,)]),
    ],
)
def test_an_update_that_cannot_be_followed_closes_every_row_for_good(
    processor: Numbering, unfollowed: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "guard"):
        processor.update_state(unfollowed)
        assert shown(processor) == ["closed"] * 4
        processor.update_state(update([(0, 1)]))
        assert shown(processor) == ["closed"] * 4
    assert [message.rsplit(":", 1)[0] for message in caplog.messages] == ["closed all rows"]


def test_greedy_sampling_is_not_exempt(processor: Numbering) -> None:
    assert not processor.is_argmax_invariant()


def test_the_vocabulary_is_read_once_for_all_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    plain = Vocabulary.from_tokenizer
    monkeypatch.setattr(Vocabulary, "from_tokenizer", lambda one: read.append(one) or plain(one))
    first, second = deepcopy(TOKENIZER), deepcopy(TOKENIZER)
    assert vocabulary_of(first) is vocabulary_of(first)
    assert vocabulary_of(second) is not vocabulary_of(first)
    assert [one is first for one in read] == [True, False, True]


def test_a_tokenizer_that_cannot_be_read_stops_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        eos_token_id = None

    monkeypatch.setattr(base, "cached_tokenizer_from_config", lambda _: Endless())
    with pytest.raises(ModelUnavailable):
        Numbering(SimpleNamespace(model_config=None), torch.device("cpu"), False)


@pytest.mark.parametrize("value", [None, ""])
def test_a_folder_that_is_not_named_stops_the_engine(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("LETHE_TEST_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("LETHE_TEST_DIR", value)
    with pytest.raises(PolicyUnavailable, match="LETHE_TEST_DIR is not set"):
        folder_of("LETHE_TEST_DIR")


@pytest.fixture
def served(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> list[RowProcessor]:
    """All processors by their import paths, in the order in which an engine applies them."""
    monkeypatch.setenv("LETHE_POLICY_DIR", str(tmp_path))
    monkeypatch.setenv("LETHE_ASSISTANT_DIR", str(tmp_path))
    size, paths = len(TOKENIZER), {"model": str(model), "tokenizer": str(model)}
    described = SimpleNamespace(**paths, dtype=torch.float32, max_model_len=64, get_vocab_size=lambda: size)
    config = SimpleNamespace(model_config=described)
    made = []
    for path in PROCESSORS:
        module, _, name = path.partition(":")
        made.append(getattr(importlib.import_module(module), name)(config, torch.device("cpu"), False))
    return made


FREE = {"lethe_policy": "7", "lethe_automata": ""}


@pytest.mark.parametrize(
    ("arguments", "closing"),
    [
        (FREE, []),
        ({}, ["RestrictionProcessor"]),
        ({"lethe_policy": "7", "lethe_automata": "x"}, ["RestrictionProcessor"]),
        (FREE | {"lethe_bias": "x"}, ["BiasProcessor"]),
        (FREE | {"lethe_bias": "0" * 64}, ["BiasProcessor"]),
        (FREE | {"lethe_assistant": 7}, ["DifferenceProcessor"]),
        (FREE | {"lethe_assistant": "0" * 64}, ["DifferenceProcessor"]),
        (FREE | {"lethe_alpha": 11}, ["DifferenceProcessor"]),
        (
            {"lethe_bias": "x", "lethe_filter": "x"},
            ["DifferenceProcessor", "BiasProcessor", "RestrictionProcessor"],
        ),
    ],
)
def test_a_malformed_argument_closes_the_row_in_the_processor_that_it_concerns_alone(
    served: list[RowProcessor], arguments: dict[str, object], closing: list[str]
) -> None:
    given = BatchUpdate(
        batch_size=2,
        removed=[],
        added=[(0, SamplingParams(extra_args=arguments), [1], []), (1, SamplingParams(extra_args=FREE), [1], [])],
        moved=[],
    )
    found = []
    for processor in served:
        processor.update_state(given)
        row, free = shown(processor, 2)
        assert free == 0
        if row == "closed":
            found.append(type(processor).__name__)
    assert found == closing


def test_what_is_masked_stays_masked_whatever_the_others_add(served: list[RowProcessor], tmp_path: Path) -> None:
    """Applied in order, a closed row is the restriction's, and a forbidden token has no logit left."""
    automaton = Automaton.compile(["Romerto"])
    automaton.save(tmp_path)
    restricted = SamplingParams(extra_args=EngineArgs("7", (automaton.digest,)).dump())
    begun = TOKENIZER.encode(" Romert", add_special_tokens=False)
    closed = SamplingParams(extra_args=EngineArgs("7", closed=True).dump())
    added = [(0, restricted, begun, []), (1, closed, [1], [])]
    logits = torch.full((2, WIDTH), 30.0)
    for processor in served:
        processor.update_state(BatchUpdate(batch_size=2, removed=[], added=added, moved=[]))
        processor.apply(logits)
    assert logits[0, TOKENIZER.convert_tokens_to_ids("o")] == float("-inf")
    assert logits[1].isfinite().nonzero().flatten().tolist() == [TOKENIZER.eos_token_id]
