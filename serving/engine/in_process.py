"""vLLM's `LLM` in this process, without HTTP, with our processors of the runner that it will use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guard.decoding.request_args import PROCESSORS
from serving.engine.runner import processors_for


def start_llm(processors: Sequence[str], **options: Any) -> Any:
    """Start an LLM with these of PROCESSORS, or the same of the V2 runner where vLLM uses that.

    `options` are vLLM's engine arguments. Raises ImportError without vLLM, EngineUnavailable where its runner
    would run no processors, and whatever vLLM raises when it does not start.
    """
    from vllm import LLM
    from vllm.engine.arg_utils import EngineArgs

    # Which runner it will be is known only from the whole configuration.
    used = processors_for(EngineArgs(**options).create_engine_config(), "auto")
    return LLM(**options, logits_processors=[used[PROCESSORS.index(path)] for path in processors])
