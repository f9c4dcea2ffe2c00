from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer
from vllm import SamplingParams

from guard.errors import BadSettings, PolicyUnavailable
from guard.uld import digests
from guard.uld.assistant import Assistant, Assistants, Status, Training
from guard.uld.truncated_model import TruncatedModel
from guard.vllm_v1 import base as v1_base
from guard.vllm_v1.difference import DifferenceProcessor as V1Processor
from guard.vllm_v2.difference import DifferenceProcessor
from tests.guard.uld.conftest import make_model
from tests.guard.vllm_v2.replay import Request, Runner, kernels
from tests.guard.vllm_v2.schedules import alone, play, tempted_by, v1_config

WIDTH = 300


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def promoted(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Assistants, Assistant]:
    assistants = Assistants(tmp_path_factory.mktemp("assistants"))
    torch.manual_seed(3)
    adapter = TruncatedModel(model, 2, torch.float32, "cpu").lora_adapter(4)
    weights = {name: 0.3 * torch.randn_like(tensor) for name, tensor in adapter.items()}
    made_of = {"base": digests.of_weights(model), "tokenizer": digests.of_tokenizer(model), "corpus": ""}
    how = {"layers": 2, "training": Training.LORA, "rank": 4, "epochs": 1, "seed": 0}
    served = {"alpha": 0.75, "filter_rate": 0.0, "forget_loss": 0.0, "retain_loss": 0.0}
    return assistants, assistants.promote(assistants.add(made_of | how | served, weights, {}).digest, model)


@pytest.fixture
def config(model: Path, promoted: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    tokenizer = AutoTokenizer.from_pretrained(model)
    monkeypatch.setattr(v1_base, "cached_tokenizer_from_config", lambda _: tokenizer)
    monkeypatch.setattr("vllm.tokenizers.cached_tokenizer_from_config", lambda _: tokenizer)
    monkeypatch.setenv("LETHE_ASSISTANT_DIR", str(promoted[0].folder(Status.PROMOTED)))
    described = SimpleNamespace(
        model=str(model), tokenizer=str(model), dtype=torch.float32, max_model_len=64,
        get_vocab_size=lambda: len(tokenizer), enable_prompt_embeds=False, is_diffusion=False,
    )  # fmt: skip
    with kernels():
        yield SimpleNamespace(model_config=described, speculative_config=None, reasoning_config=None)


def runner(config: SimpleNamespace) -> Runner:
    return Runner(lambda *given: [DifferenceProcessor(*given)], config, WIDTH)


@pytest.mark.parametrize("drafts", [0, 3])
def test_in_any_schedule_the_assistant_reads_what_it_reads_under_v1(
    config: SimpleNamespace, promoted: Any, drafts: int
) -> None:
    """With drafts accepted and refused, preemption, and slots used again."""
    digest = promoted[1].digest
    arguments = (
        {"lethe_assistant": digest},
        {"lethe_assistant": digest, "lethe_alpha": 1.5},
        {},
        {"lethe_assistant": "0" * 64},
    )

    def arrival(rng: np.random.Generator, id: str) -> Request:
        prompt, script = rng.integers(5, 200, size=int(rng.integers(1, 9))).tolist(), rng.integers(5, 200, size=4)
        params = SamplingParams(temperature=0.0, extra_args=arguments[int(rng.integers(4))])
        return Request(id, prompt, params, tempted_by(script.tolist(), int(rng.integers(64)), len(prompt), WIDTH))

    config.speculative_config = SimpleNamespace(num_speculative_tokens=drafts) if drafts else None
    played = play(runner(config), arrival, 5, steps=18)
    assert played.preempted
    assert played.reused
    assert not drafts or (played.accepted and played.refused)
    for one in played.requests:
        expected = alone(lambda: [V1Processor(*v1_config(config))], one)
        for row, reference in zip(one.rows, expected, strict=True):
            torch.testing.assert_close(row.log_softmax(-1), reference.log_softmax(-1), atol=2e-4, rtol=0)


def test_a_request_without_an_assistant_is_skipped(config: SimpleNamespace, promoted: Any) -> None:
    (processor,) = runner(config).processors
    for digest, asks in ((promoted[1].digest, True), ("", False), ("0" * 64, True), ("x", True)):
        assert processor.add_request(0, SamplingParams(extra_args={"lethe_assistant": digest})) is asks


def test_the_engine_does_not_start_without_its_settings(
    config: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    DifferenceProcessor.validate_params(SamplingParams())
    with pytest.raises(ValueError, match="lethe_alpha"):
        DifferenceProcessor.validate_params(SamplingParams(extra_args={"lethe_alpha": "1"}))
    monkeypatch.setenv("LETHE_ASSISTANT_CACHE_MIB", "much")
    with pytest.raises(BadSettings):
        runner(config)
    monkeypatch.delenv("LETHE_ASSISTANT_DIR")
    with pytest.raises(PolicyUnavailable):
        runner(config)
