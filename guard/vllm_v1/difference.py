"""Logit difference inside a vLLM worker: subtracts an assistant from each row that names one."""

from __future__ import annotations

import logging

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig

from guard.decoding.masking import close_rows
from guard.decoding.request_args import ASSISTANT_DIR_ENV, folder_of, load_subtraction
from guard.decoding.rows import RowTable
from guard.uld.assistant_runner import RunningSequence
from guard.uld.loaded import LoadedAssistants, SubtractionRow, subtract
from guard.vllm_v1.base import RowProcessor

_log = logging.getLogger(__name__)


class DifferenceProcessor(RowProcessor):
    """Subtracts in each row the assistant named in its request; never raises once constructed.

    A row without one costs nothing. A row is closed, so that it may only end, when its assistant is missing,
    damaged or of another model, or anything goes wrong; rows without an assistant are then left alone.
    """

    _rows: RowTable[SubtractionRow]

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
        self._rows = RowTable()
        model = vllm_config.model_config
        # Special tokens past what the model has columns for cannot be sampled.
        size = model.get_vocab_size()
        special = {*self._vocabulary.special, *self._eos}
        self._pinned = torch.zeros(size, dtype=torch.bool, device=device)
        self._pinned[[token for token in special if token < size]] = True
        self._assistants = LoadedAssistants(
            folder, model.model, model.tokenizer, model.dtype, device, model.max_model_len + 1
        )

    def _put(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        subtraction = load_subtraction(params.extra_args)
        if subtraction is None:
            return
        if not prompt:
            raise ValueError("a prompt of embeddings cannot be read")
        loaded = self._assistants.get(subtraction.digest)
        manifest = loaded.manifest
        self._rows.rows[index] = SubtractionRow(
            loaded,
            RunningSequence(prompt, output, loaded.adapter),
            manifest.alpha if subtraction.alpha is None else subtraction.alpha,
            manifest.filter_rate if subtraction.filter_rate is None else subtraction.filter_rate,
        )

    def _apply(self, logits: torch.Tensor) -> None:
        close_rows(logits, self._subtract(logits), self._eos)

    def _subtract(self, logits: torch.Tensor) -> list[int]:
        """Subtract where it can be done; return the rows that must be closed."""
        rows = {index: row for index, row in self._rows.rows.items() if row is not None}
        closed = [index for index, row in self._rows.rows.items() if row is None]
        try:
            return closed + subtract(logits, rows, self._pinned)
        except Exception as error:
            _log.error("closed the rows with an assistant for a step: %s", type(error).__name__)
            return list(self._rows.rows)
