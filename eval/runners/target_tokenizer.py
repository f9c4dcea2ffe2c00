"""The tokenizer and context of the model under test, for benchmarks whose prompts depend on them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from eval.core.prompt import Prompt
from eval.runners.prompt_encoder import PromptEncoder, load_tokenizer


class ModelTokenizer:
    """The tokenizer of a model's folder or hub id, loaded when it is needed."""

    def __init__(self, model: str) -> None:
        self._model = model

    def cut(self, text: str, max_tokens: int) -> str:
        """Return the first tokens of a text, special tokens counted and left out; the text without a folder."""
        if not self._model or not Path(self._model).is_dir():
            return text
        tokenizer = self._encoder.tokenizer
        ids = list(tokenizer(text)["input_ids"])[:max_tokens]
        return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def fits(self, prompt: Prompt, max_tokens: int) -> bool:
        """Tell whether a prompt and an answer of `max_tokens` fit the model's context."""
        return len(self._encoder.encode(prompt)) + max_tokens <= self._context

    @cached_property
    def _encoder(self) -> PromptEncoder:
        return PromptEncoder(load_tokenizer(self._model))

    @cached_property
    def _context(self) -> int:
        from transformers import AutoConfig

        return int(AutoConfig.from_pretrained(self._model).max_position_embeddings)
