from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from vllm import SamplingParams

from guard.decoding.request_args import BIAS
from guard.soft.bias import Bias
from guard.vllm_v1 import base as v1_base
from guard.vllm_v1.bias import BiasProcessor as V1Processor
from guard.vllm_v2.bias import BiasProcessor
from tests.guard.vllm_v2.conftest import Config
from tests.guard.vllm_v2.replay import Runner
from tests.guard.vllm_v2.schedules import TOKENIZER, WIDTH, alone, arriving, play, v1_config

NEVER = float("-inf")
FIRST = Bias(np.array([5, 6]), np.array([NEVER, -0.25], np.float32))
SECOND = Bias(np.array([6, 7, WIDTH + 2]), np.array([-0.5, NEVER, -1.0], np.float32))
ARGUMENTS = (
    {},
    {BIAS: FIRST.digest},
    {BIAS: f"{FIRST.digest},{SECOND.digest}"},
    {BIAS: "f" * 64},
)


def runner(config: SimpleNamespace) -> Runner:
    for bias in (FIRST, SECOND):
        bias.save(config.folder)
    return Runner(lambda *given: [BiasProcessor(*given)], config, WIDTH)


@pytest.mark.parametrize("drafts", [0, 3])
def test_in_any_schedule_a_request_gets_the_biases_that_it_names(
    config: Config, drafts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v1_base, "cached_tokenizer_from_config", lambda config: TOKENIZER)
    played = play(runner(config(drafts)), partial(arriving, ARGUMENTS), drafts)
    assert len({str(one.params.extra_args) for one in played.requests}) == len(ARGUMENTS)
    for one in played.requests:
        assert all(map(torch.equal, one.rows, alone(lambda: [V1Processor(*v1_config(config(drafts)))], one)))


def test_a_request_that_names_none_is_skipped(config: Config) -> None:
    (processor,) = runner(config(0)).processors
    assert [processor.add_request(0, SamplingParams(extra_args=args)) for args in ARGUMENTS] == [
        False,
        *[True] * 3,
    ]


def test_a_malformed_request_is_refused_before_it_reaches_the_engine() -> None:
    BiasProcessor.validate_params(SamplingParams(extra_args=ARGUMENTS[1]))
    with pytest.raises(ValueError, match=BIAS):
        BiasProcessor.validate_params(SamplingParams(extra_args={BIAS: "nonsense"}))
