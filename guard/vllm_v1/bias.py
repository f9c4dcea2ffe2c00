"""Soft matching inside a vLLM worker: the sparse biases added to each row."""

from __future__ import annotations

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig

from guard.decoding.request_args import POLICY_DIR_ENV, folder_of, load_biases
from guard.soft.rows import BiasCache, BiasTable
from guard.vllm_v1.base import RowProcessor


class BiasProcessor(RowProcessor):
    """Adds to each row the biases named in its request; never raises once constructed.

    A row that names none costs nothing; one whose bias is missing or damaged is closed, so that it may only end.
    """

    _rows: BiasTable

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request with malformed arguments; vLLM answers it with 400."""
        load_biases(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Read from LETHE_POLICY_DIR which folder biases are loaded from; raises PolicyUnavailable without it."""
        folder = folder_of(POLICY_DIR_ENV)
        super().__init__(vllm_config, device, is_pin_memory)
        self._rows = BiasTable()
        self._biases = BiasCache(folder, vllm_config.model_config.get_vocab_size(), device)

    def _put(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        digests = load_biases(params.extra_args)
        if digests:
            self._rows.rows[index] = self._biases.get(digests)

    def _apply(self, logits: torch.Tensor) -> None:
        self._rows.apply(logits, self._eos)
