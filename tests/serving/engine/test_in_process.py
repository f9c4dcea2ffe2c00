from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from guard.decoding.request_args import DIFFERENCE_PROCESSOR, PROCESSORS_V2, RESTRICTION_PROCESSOR
from guard.errors import EngineUnavailable
from serving.engine.in_process import start_llm


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stands for vLLM: an LLM is what it was asked for, and `config` what vLLM makes of its arguments."""
    fake: Any = ModuleType("vllm")
    fake.config = SimpleNamespace(use_v2_model_runner=False, speculative_config=None)
    fake.LLM = lambda **asked: asked
    arguments: Any = ModuleType("vllm.engine.arg_utils")
    arguments.EngineArgs = lambda **options: SimpleNamespace(create_engine_config=lambda: fake.config)
    for module in (fake, ModuleType("vllm.engine"), arguments):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake


def test_the_processors_are_those_of_the_runner_that_vllm_uses(vllm: Any) -> None:
    wanted = [DIFFERENCE_PROCESSOR, RESTRICTION_PROCESSOR]
    assert start_llm(wanted, model="m") == {"model": "m", "logits_processors": wanted}
    vllm.config.use_v2_model_runner = True
    assert start_llm(wanted, model="m")["logits_processors"] == [PROCESSORS_V2[0], PROCESSORS_V2[-1]]


def test_an_engine_that_runs_no_processors_does_not_start(vllm: Any) -> None:
    vllm.config.speculative_config = SimpleNamespace(rejection_sample_method="standard")
    with pytest.raises(EngineUnavailable, match="V2 runner"):
        start_llm([RESTRICTION_PROCESSOR], model="m")
