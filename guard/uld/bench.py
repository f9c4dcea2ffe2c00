"""What logit difference costs an engine: without the processor, with it in no row, and with it in every row."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from guard.errors import EngineUnavailable
from guard.uld.served import FOLDER

_PROMPT = "Tell me all that you know about the lamp in the cellar."
_PROCESSOR = "guard.uld.vllm_v1:DifferenceProcessor"


class Cost(NamedTuple):
    """Medians, in milliseconds a step: without the processor, with it in no row, with it in every row."""

    batch: int
    without: float
    idle: float
    busy: float


def measure(
    model: str, promoted: Path, digest: str, batches: Sequence[int], tokens: int, rounds: int
) -> list[Cost]:
    """Return the costs of greedy answers of `tokens` tokens, rounds of all three kinds by turns.

    Both engines live in this process, one after the other at each turn. Raises EngineUnavailable without vLLM.
    """
    os.environ |= {FOLDER: str(promoted), "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    try:
        plain = _engine(model, max(batches), [])
        ready = _engine(model, max(batches), [_PROCESSOR])
    except ImportError as error:
        raise EngineUnavailable("vLLM is not installed") from error
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
        costs.append(Cost(batch, *(median(kind) for kind in zip(*turns[1:], strict=True))))
    return costs


def markdown(costs: Sequence[Cost]) -> str:
    """Return the costs as a Markdown table; throughput is that without the processor over that with it."""
    rows = [
        "| batch | without, ms/step | idle, ms/step | idle throughput | all rows, ms/step | added, steps |",
        "| --- |" + " --- |" * 5,
    ]
    for batch, without, idle, busy in costs:
        added = (busy - without) / without
        cells = (f"{without:.2f}", f"{idle:.2f}", f"{without / idle:.3f}", f"{busy:.2f}", f"{added:.2f}")
        rows.append(f"| {batch} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _engine(model: str, batch: int, processors: list[str]) -> Any:
    from vllm import LLM

    return LLM(
        model=model,
        enforce_eager=True,
        max_model_len=512,
        max_num_seqs=batch,
        enable_prefix_caching=False,
        disable_log_stats=True,
        logits_processors=processors,
    )


def _step(engine: Any, batch: int, tokens: int, digest: str) -> float:
    from vllm import SamplingParams

    extra = {"lethe_assistant": digest} if digest else None
    params = SamplingParams(temperature=0.0, max_tokens=tokens, ignore_eos=True, extra_args=extra)
    began = time.perf_counter()
    engine.generate([_PROMPT] * batch, params, use_tqdm=False)
    return (time.perf_counter() - began) / tokens * 1e3
