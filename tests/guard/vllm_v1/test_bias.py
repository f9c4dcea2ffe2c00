from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("vllm", reason="the engine is not installed")

from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, MoveDirectionality

from guard.decoding.request_args import BIAS
from guard.soft.bias import Bias
from guard.vllm_v1 import base
from guard.vllm_v1.bias import BiasProcessor
from tests.guard.toy_tokenizers import byte_level

TOKENIZER = byte_level()
EOS = TOKENIZER.eos_token_id
WIDTH = len(TOKENIZER)
NEVER = float("-inf")
FIRST = Bias(np.array([5, 6]), np.array([NEVER, -0.25], np.float32))
SECOND = Bias(np.array([6, 7, WIDTH + 2]), np.array([-0.5, NEVER, -1.0], np.float32))


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BiasProcessor:
    for bias in (FIRST, SECOND):
        bias.save(tmp_path)
    monkeypatch.setenv("LETHE_POLICY_DIR", str(tmp_path))
    monkeypatch.setattr(base, "cached_tokenizer_from_config", lambda config: TOKENIZER)
    config = SimpleNamespace(model_config=SimpleNamespace(get_vocab_size=lambda: WIDTH))
    return BiasProcessor(config, torch.device("cpu"), False)


def params(*digests: str) -> SamplingParams:
    return SamplingParams(extra_args={BIAS: ",".join(digests)} if digests else {})


def update(added: Any = (), removed: Any = (), moved: Any = ()) -> BatchUpdate:
    rows = [(index, given, [1], []) for index, given in added]
    return BatchUpdate(batch_size=4, removed=list(removed), added=rows, moved=list(moved))


def biased(processor: BiasProcessor) -> torch.Tensor:
    return processor.apply(torch.zeros(4, WIDTH))


def expected(*biases: Bias) -> torch.Tensor:
    row = torch.zeros(WIDTH)
    for bias in biases:
        for token, value in zip(bias.tokens.tolist(), bias.values.tolist(), strict=True):
            if token < WIDTH:
                row[token] += value
    return row


def test_each_row_gets_the_biases_it_names_and_others_none(processor: BiasProcessor) -> None:
    processor.update_state(
        update([(0, params()), (1, params(FIRST.digest)), (2, params(FIRST.digest, SECOND.digest))])
    )
    logits = biased(processor)
    assert torch.equal(logits[0], expected())
    assert torch.equal(logits[1], expected(FIRST))
    assert torch.equal(logits[2], expected(FIRST, SECOND))


def test_rows_that_name_nothing_are_not_touched(processor: BiasProcessor) -> None:
    processor.update_state(update([(0, params()), (1, params())]))
    logits = torch.zeros(4, WIDTH)
    assert processor.apply(logits) is logits
    assert not logits.any()


def test_rows_are_followed_as_the_batch_moves_them(processor: BiasProcessor) -> None:
    processor.update_state(update([(0, params(FIRST.digest)), (3, params(SECOND.digest))]))
    processor.update_state(
        update(moved=[(3, 1, MoveDirectionality.UNIDIRECTIONAL), (0, 2, MoveDirectionality.SWAP)])
    )
    logits = biased(processor)
    assert torch.equal(logits[1], expected(SECOND))
    assert torch.equal(logits[2], expected(FIRST))
    processor.update_state(update(added=[(1, params())], removed=[2]))
    assert not biased(processor).any()


def only_end() -> torch.Tensor:
    row = torch.full((WIDTH,), NEVER)
    row[EOS] = 0.0
    return row


@pytest.mark.parametrize("given", ["f" * 64, "nonsense"])
def test_a_row_whose_bias_is_missing_or_malformed_may_only_end(processor: BiasProcessor, given: str) -> None:
    processor.update_state(update([(1, params(given))]))
    logits = biased(processor)
    assert torch.equal(logits[1], only_end())
    assert not logits[0].any()


def test_a_malformed_request_is_refused_before_it_reaches_the_engine() -> None:
    BiasProcessor.validate_params(params(FIRST.digest))
    with pytest.raises(ValueError, match=BIAS):
        BiasProcessor.validate_params(params("nonsense"))


def test_an_update_that_cannot_be_followed_closes_every_row(processor: BiasProcessor) -> None:
    processor.update_state(BatchUpdate(batch_size=4, removed=[0], added=[None], moved=[]))
    assert torch.equal(biased(processor), only_end().repeat(4, 1))
