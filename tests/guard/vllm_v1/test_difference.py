"""Logit difference on a fake engine: which rows are changed, closed, and left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from guard.errors import BadSettings, PolicyUnavailable
from guard.uld import digests
from guard.uld.assistant import Assistant, Assistants, Status, Training
from guard.uld.logit_difference import log_probabilities, uld
from guard.uld.truncated_model import TruncatedModel

pytest.importorskip("vllm")

from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality

from guard.vllm_v1 import base
from guard.vllm_v1.difference import DifferenceProcessor

END = 2
ONE_WAY, SWAP = MoveDirectionality.UNIDIRECTIONAL, MoveDirectionality.SWAP


@pytest.fixture(scope="module")
def assistants(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Assistants:
    return Assistants(tmp_path_factory.mktemp("assistants"))


@pytest.fixture(scope="module")
def assistant(assistants: Assistants, model: Path) -> Assistant:
    torch.manual_seed(3)
    truncated_model = TruncatedModel(model, 2, torch.float32, "cpu")
    weights = {name: 0.3 * torch.randn_like(tensor) for name, tensor in truncated_model.lora_adapter(4).items()}
    made_of = {"base": digests.of_weights(model), "tokenizer": digests.of_tokenizer(model), "corpus": ""}
    how = {"layers": 2, "training": Training.LORA, "rank": 4, "epochs": 1, "seed": 0}
    served = {"alpha": 0.75, "filter_rate": 0.0, "forget_loss": 0.0, "retain_loss": 0.0}
    added = assistants.add(made_of | how | served, weights, {})
    return assistants.promote(added.digest, model)


@pytest.fixture
def config(model: Path, assistants: Assistants, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    tokenizer = AutoTokenizer.from_pretrained(model)
    monkeypatch.setattr(base, "cached_tokenizer_from_config", lambda _: tokenizer)
    monkeypatch.setenv("LETHE_ASSISTANT_DIR", str(assistants.folder(Status.PROMOTED)))
    described = SimpleNamespace(
        model=str(model),
        tokenizer=str(model),
        dtype=torch.float32,
        max_model_len=64,
        get_vocab_size=lambda: len(tokenizer),
    )
    return SimpleNamespace(model_config=described)


@pytest.fixture
def processor(config: Any) -> DifferenceProcessor:
    return DifferenceProcessor(config, torch.device("cpu"), False)


def params(digest: str, **more: Any) -> SamplingParams:
    return SamplingParams(extra_args={"lethe_assistant": digest, **more})


def logits(rows: int) -> torch.Tensor:
    return torch.randn(rows, 300, generator=torch.Generator().manual_seed(1))


def update(
    *added: tuple[int, SamplingParams, list[int] | None, list[int]],
    removed: tuple[int, ...] = (),
    moved: tuple[Any, ...] = (),
) -> BatchUpdate:
    return BatchUpdate(batch_size=8, removed=list(removed), added=list(added), moved=list(moved))


def kinds(before: torch.Tensor, after: torch.Tensor) -> str:
    """Each row as a letter: u(nchanged), c(losed) or s(ubtracted)."""
    found = ""
    for old, new in zip(before, after, strict=True):
        only_end = torch.isfinite(new).nonzero().flatten().tolist() == [END]
        found += "u" if torch.equal(old, new) else "c" if only_end else "s"
    return found


def applied(processor: DifferenceProcessor, rows: int) -> str:
    before = logits(rows)
    return kinds(before, processor.apply(before.clone()))


def test_rows_with_an_assistant_are_what_the_difference_says_and_others_are_untouched(
    processor: DifferenceProcessor, assistant: Assistant, model: Path
) -> None:
    asked = params(assistant.digest, lethe_alpha=1.0, lethe_filter=0.05)
    processor.update_state(update((0, params(""), [1, 5], []), (1, asked, [1, 5, 9], [7])))
    before = logits(2)
    after = processor.apply(before.clone())
    truncated_model = TruncatedModel(model, 2, torch.float32, "cpu")
    truncated_model.activate(truncated_model.load(assistant.tensors()))
    with torch.inference_mode():
        known = truncated_model.logits(truncated_model.hidden(torch.tensor([[1, 5, 9, 7]]), use_cache=False))[
            :, -1
        ]
    pinned = torch.zeros(300, dtype=torch.bool).index_fill(0, torch.arange(5), True)
    expected = uld(log_probabilities(before[1:]), log_probabilities(known), 1.0, 0.05, pinned)
    torch.testing.assert_close(after[1:].log_softmax(-1), expected, atol=2e-5, rtol=0)
    assert torch.equal(after[0], before[0])


def test_the_assistant_s_own_strength_holds_where_a_request_names_none(
    processor: DifferenceProcessor, assistant: Assistant
) -> None:
    named = params(assistant.digest, lethe_alpha=0.75, lethe_filter=0.0)
    processor.update_state(update((0, params(assistant.digest), [1, 5], []), (1, named, [1, 5], [])))
    row = logits(1)
    after = processor.apply(row.repeat(2, 1))
    torch.testing.assert_close(after[0], after[1])


def test_a_row_that_cannot_be_protected_can_only_end(processor: DifferenceProcessor, assistant: Assistant) -> None:
    good = params(assistant.digest)
    processor.update_state(
        update(
            (0, params("0" * 64), [1, 5], []),
            (1, params("malformed"), [1, 5], []),
            (2, good, None, []),
            (3, good, [1, 5], []),
            (4, SamplingParams(), [1, 5], []),
        )
    )
    assert applied(processor, 5) == "cccsu"


def test_rows_are_followed_when_they_leave_move_and_are_used_again(
    processor: DifferenceProcessor, assistant: Assistant
) -> None:
    good, bad, free = params(assistant.digest), params("0" * 64), params("")
    processor.update_state(update((0, good, [1], []), (1, bad, [1], []), (2, free, [1], []), (3, good, [1], [])))
    assert applied(processor, 4) == "scus"
    processor.update_state(update(removed=(0,), moved=((3, 0, ONE_WAY),)))
    assert applied(processor, 4) == "scuu"
    processor.update_state(update(moved=((1, 2, SWAP),)))
    assert applied(processor, 3) == "suc"
    processor.update_state(update((2, free, [1], [])))
    assert applied(processor, 3) == "suu"


def test_an_error_in_the_forward_pass_closes_the_rows_with_an_assistant_for_the_step(
    processor: DifferenceProcessor, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor.update_state(update((0, params(assistant.digest), [1], []), (1, params(""), [1], [])))
    with monkeypatch.context() as broken:
        broken.setattr(TruncatedModel, "hidden", lambda *_, **__: 1 / 0)
        assert applied(processor, 2) == "cu"
    assert applied(processor, 2) == "su"


def test_an_update_that_cannot_be_followed_closes_every_row(processor: DifferenceProcessor) -> None:
    processor.update_state(SimpleNamespace(removed=None))  # type: ignore[arg-type]
    assert applied(processor, 3) == "ccc"


def test_greedy_sampling_does_not_skip_it_and_malformed_arguments_are_a_client_error(
    processor: DifferenceProcessor,
) -> None:
    assert not processor.is_argmax_invariant()
    DifferenceProcessor.validate_params(SamplingParams())
    with pytest.raises(ValueError, match="lethe_alpha"):
        DifferenceProcessor.validate_params(params("0" * 64, lethe_alpha="1"))


def test_the_engine_does_not_start_without_its_settings(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_ASSISTANT_CACHE_MIB", "much")
    with pytest.raises(BadSettings):
        DifferenceProcessor(config, torch.device("cpu"), False)
    monkeypatch.delenv("LETHE_ASSISTANT_DIR")
    with pytest.raises(PolicyUnavailable):
        DifferenceProcessor(config, torch.device("cpu"), False)
