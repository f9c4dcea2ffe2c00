"""Soft matching inside a vLLM worker, by the V1 runner's logits processor interface.

Load it by vLLM's flag, `--logits-processors guard.soft.vllm_v1:BiasProcessor`, as guard.vllm_v1 says.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from guard.errors import PolicyUnavailable
from guard.masking import close_all
from guard.soft.rows import Biases, Rows
from guard.soft.terms import biases
from guard.vllm_v1 import POLICY_FOLDER

_log = logging.getLogger(__name__)


class BiasProcessor(LogitsProcessor):  # type: ignore[misc]
    """Adds to each row the biases named in its request; never raises once constructed.

    A row that names none costs nothing; one whose bias is missing or damaged is closed, so that it may only end.
    """

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request with malformed arguments; vLLM answers it with 400."""
        biases(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Read from LETHE_POLICY_DIR which folder biases are loaded from; raises PolicyUnavailable without it."""
        folder = os.environ.get(POLICY_FOLDER)
        if not folder:
            raise PolicyUnavailable(f"{POLICY_FOLDER} is not set")
        model = vllm_config.model_config
        self._eos = (int(cached_tokenizer_from_config(model).eos_token_id),)
        self._biases = Biases(Path(folder), model.get_vocab_size(), device)
        self._rows = Rows(self._eos)
        self._lost = False

    def is_argmax_invariant(self) -> bool:
        """Say that greedy sampling must not skip this processor."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow the batch; an update that cannot be followed closes every row from then on."""
        if batch_update is None or self._lost:
            return
        try:
            for index in batch_update.removed:
                self._rows.drop(index)
            for index, params, _prompt, _output in batch_update.added:
                self._add(index, params)
            for source, target, direction in batch_update.moved:
                self._rows.move(source, target, swap=direction is MoveDirectionality.SWAP)
        except Exception as error:
            self._lost = True
            _log.error("closed all rows: %s", type(error).__name__)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Add the biases, in place, to logits [rows, width]."""
        if self._lost:
            close_all(logits, self._eos)
        elif self._rows:
            try:
                self._rows.apply(logits)
            except Exception as error:
                _log.error("closed all rows for a step: %s", type(error).__name__)
                close_all(logits, self._eos)
        return logits

    def _add(self, index: int, params: SamplingParams) -> None:
        # An index may be used again without having been removed.
        self._rows.drop(index)
        try:
            digests = biases(params.extra_args)
            if digests:
                self._rows.put(index, self._biases.get(digests))
        except Exception as error:
            self._rows.close(index, error)
