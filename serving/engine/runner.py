"""Which of its two model runners vLLM will use, and the logits processors that are written for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

from guard.decoding.request_args import PROCESSORS, PROCESSORS_V2
from guard.errors import EngineUnavailable
from guard.workers.unproven import unproven

Runner = Literal["auto", "v1", "v2"]
EXACT_METHODS = frozenset({"standard", "block"})
"""Ways to accept drafts under which answers are distributed as without drafts: none that is masked is accepted.

vLLM 0.32 has another one, which accepts at fixed rates, and 0.33 one that accepts where the model is unsure.
"""


def processors_for(config: Any, runner: Runner) -> tuple[str, ...]:
    """Return the import paths of our processors for the runner that vLLM will use with this VllmConfig.

    vLLM decides by itself, from its build, the model and its flags. Raises EngineUnavailable if `runner` asks for
    the other one, for speculative decoding under which nothing or not everything would be restricted, and for an
    engine that is run as nobody has shown to be restricted.
    """
    used: Runner = "v2" if config.use_v2_model_runner else "v1"
    if runner not in ("auto", used):
        raise EngineUnavailable(
            f"vLLM uses its {used.upper()} runner here, and the setting runner asks for {runner}"
        )
    if reason := unproven(config):
        raise EngineUnavailable(reason)
    speculative = config.speculative_config
    if speculative is not None:
        if used == "v1":
            raise EngineUnavailable("speculative decoding needs vLLM's V2 runner: its V1 runs no processors then")
        if speculative.rejection_sample_method not in EXACT_METHODS:
            raise EngineUnavailable("this rejection_sample_method may accept drafts that are masked")
    return PROCESSORS_V2 if used == "v2" else PROCESSORS


def preempt_of(client: Any) -> Callable[[], Awaitable[None]] | None:
    """Return what preempts all running requests of an AsyncLLM on the V2 runner; None on V1.

    They begin again with what they have said, and the prefix cache is empty.
    """
    return partial(_preempt, client) if client.vllm_config.use_v2_model_runner else None


async def _preempt(client: Any) -> None:
    await client.reset_prefix_cache(reset_running_requests=True)
