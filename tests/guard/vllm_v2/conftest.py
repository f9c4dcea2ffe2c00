from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("vllm", reason="the engine is not installed")

from tests.guard.toy_tokenizers import byte_level
from tests.guard.vllm_v2.replay import kernels

Config = Callable[[int], SimpleNamespace]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """Makes what the processors read of vLLM's configuration, with the toy tokenizer and a number of drafts."""
    folder = tmp_path_factory.mktemp("policy")

    def made(drafts: int = 0) -> SimpleNamespace:
        speculative = SimpleNamespace(num_speculative_tokens=drafts) if drafts else None
        model = SimpleNamespace(
            enable_prompt_embeds=False, is_diffusion=False, get_vocab_size=lambda: len(byte_level()) + 3
        )
        return SimpleNamespace(
            model_config=model, speculative_config=speculative, reasoning_config=None, folder=Path(folder)
        )

    with pytest.MonkeyPatch.context() as patch, kernels():
        patch.setenv("LETHE_POLICY_DIR", str(folder))
        patch.setattr("vllm.tokenizers.cached_tokenizer_from_config", lambda config: byte_level())
        yield made
