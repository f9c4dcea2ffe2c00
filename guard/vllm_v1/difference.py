"""Logit difference inside a vLLM worker: subtracts an assistant from each row that names one."""

from __future__ import annotations

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig

from guard.decoding.request_args import ASSISTANT_DIR_ENV, folder_of, load_subtraction
from guard.uld.loaded import LoadedAssistants, SubtractionTable
from guard.vllm_v1.base import RowProcessor


class DifferenceProcessor(RowProcessor):
    """Subtracts in each row the assistant named in its request; never raises once constructed.

    A row without one costs nothing. A row is closed, so that it may only end, when its assistant is missing,
    damaged or of another model, or anything goes wrong; rows without an assistant are then left alone.
    """

    _rows: SubtractionTable

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request with malformed arguments; vLLM answers it with 400."""
        load_subtraction(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Read the tokenizer, and from LETHE_ASSISTANT_DIR which folder promoted assistants are loaded from.

        Raises PolicyUnavailable without that variable, and ModelUnavailable or BadSettings as guard.uld.loaded
        does: the engine then does not start.
        """
        folder = folder_of(ASSISTANT_DIR_ENV)
        super().__init__(vllm_config, device, is_pin_memory)
        model = vllm_config.model_config
        assistants = LoadedAssistants.of_engine(folder, model, device)
        self._rows = SubtractionTable(assistants, self._vocabulary, model.get_vocab_size(), device)

    def _put(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        subtraction = load_subtraction(params.extra_args)
        if subtraction is None:
            return
        if not prompt:
            raise ValueError("a prompt of embeddings cannot be read")
        self._rows.put(index, subtraction, prompt, output)

    def _apply(self, logits: torch.Tensor) -> None:
        self._rows.apply(logits, self._eos)
