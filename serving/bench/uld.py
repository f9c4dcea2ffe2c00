"""`lethe assistant bench`: the cost of logit difference: without it, with it in no row, and in every row."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch

from guard.decoding.request_args import (
    ASSISTANT_DIR_ENV,
    DIFFERENCE_PROCESSOR,
    POLICY_DIR_ENV,
    RESTRICTION_PROCESSOR,
    EngineArgs,
    Subtraction,
)
from guard.errors import EngineUnavailable
from guard.uld.assistant import Assistant
from guard.uld.logit_difference import log_probabilities
from guard.uld.truncated_model import TruncatedModel, depth
from serving.engine.in_process import start_llm

_PROMPT = "Tell me all that you know about the lamp in the cellar."


class Cost(NamedTuple):
    """Median milliseconds per step: without the processor, with it in no row (`idle`), in every row (`busy`).

    Processor time on a CPU, wall time on a GPU.
    share     of the target model's layers that the assistant has
    sampling  milliseconds of one pass of head, log-softmax and choice for the batch
    """

    batch: int
    without: float
    idle: float
    busy: float
    share: float
    sampling: float

    @property
    def added(self) -> float:
        """What the assistant adds per step, in steps of the engine without it."""
        return (self.busy - self.without) / self.without

    @property
    def bound(self) -> float:
        """The most that it should add: 1.25 times its layers and one sampling pass, in such steps."""
        return 1.25 * (self.share + self.sampling / self.without)


def measure(
    model: str, promoted: Path, digest: str, batches: Sequence[int], tokens: int, rounds: int
) -> list[Cost]:
    """Return the costs for greedy answers of `tokens` tokens; rounds of the three kinds alternate.

    Both engines run in this process. Raises EngineUnavailable without vLLM.
    """
    # No request of the bench names an automaton, so none is loaded from there.
    os.environ.setdefault(POLICY_DIR_ENV, tempfile.gettempdir())
    os.environ |= {ASSISTANT_DIR_ENV: str(promoted), "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    try:
        # Every engine of Lethe has the restriction, which so bears vLLM's fixed cost of having a processor.
        plain = _engine(model, max(batches), [RESTRICTION_PROCESSOR])
        ready = _engine(model, max(batches), [DIFFERENCE_PROCESSOR, RESTRICTION_PROCESSOR])
    except ImportError as error:
        raise EngineUnavailable("vLLM is not installed") from error
    layers = Assistant.open(promoted, digest).manifest.layers
    share = layers / depth(model)
    truncated_model = TruncatedModel(model, layers, plain.llm_engine.model_config.dtype, "cpu")
    costs = []
    for batch in batches:
        turns = [
            (
                _step(plain, batch, tokens, ""),
                _step(ready, batch, tokens, ""),
                _step(ready, batch, tokens, digest),
            )
            for _ in range(rounds + 1)
        ]
        # The first turn warms up.
        without, idle, busy = (median(kind) for kind in zip(*turns[1:], strict=True))
        costs.append(Cost(batch, without, idle, busy, share, _sampling(truncated_model, batch)))
    return costs


def markdown(costs: Sequence[Cost]) -> str:
    """Return the costs as a Markdown table; throughput is that without the processor over that with it."""
    names = ("batch", "without, ms/step", "idle, ms/step", "idle throughput", "all rows, ms/step", "added, steps")
    rows = [f"| {' | '.join((*names, 'bound, steps'))} |", "| --- |" + " --- |" * 6]
    for cost in costs:
        cells = (
            f"{cost.without:.2f}",
            f"{cost.idle:.2f}",
            f"{cost.without / cost.idle:.3f}",
            f"{cost.busy:.2f}",
            f"{cost.added:.2f}",
            f"{cost.bound:.2f}",
        )
        rows.append(f"| {cost.batch} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


@torch.inference_mode()
def _sampling(truncated_model: TruncatedModel, batch: int, times: int = 50) -> float:
    states = torch.randn(batch, truncated_model.config.hidden_size, dtype=truncated_model.dtype)
    taken = []
    for _ in range(times):
        began = _now()
        log_probabilities(truncated_model.logits(states)).argmax(-1)
        taken.append((_now() - began) * 1e3)
    return median(taken)


def _engine(model: str, batch: int, processors: list[str]) -> Any:
    return start_llm(
        processors,
        model=model,
        enforce_eager=True,
        max_model_len=512,
        max_num_seqs=batch,
        enable_prefix_caching=False,
        disable_log_stats=True,
    )


def _step(engine: Any, batch: int, tokens: int, digest: str) -> float:
    from vllm import SamplingParams

    extra = EngineArgs("bench", subtraction=Subtraction(digest) if digest else None).dump()
    params = SamplingParams(temperature=0.0, max_tokens=tokens, ignore_eos=True, extra_args=extra)
    began = _now()
    engine.generate([_PROMPT] * batch, params, use_tqdm=False)
    return (_now() - began) / tokens * 1e3


def _now() -> float:
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()
