"""The fail-closed life cycle of the logits processors: it tracks rows, and closes them on any error."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import Any

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from guard.decoding.masking import close_all
from guard.decoding.rows import RowTable
from guard.decoding.vocabulary import vocabulary_of

_log = logging.getLogger(__name__)


class RowProcessor(LogitsProcessor):  # type: ignore[misc]
    """Processes each row as its request asks; never raises once constructed.

    An error in a row closes it, so that it may only end. An error in a step closes every row for that step, and an
    update of the batch that cannot be followed closes every row from then on. Only the type of an error is logged.

    A subclass sets `_rows`, loads a request in `_put` and changes the logits in `_apply`.
    """

    _rows: RowTable[Any]

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Raise ModelUnavailable for a tokenizer that cannot be read: the engine then does not start."""
        self._vocabulary = vocabulary_of(cached_tokenizer_from_config(vllm_config.model_config))
        self._eos = self._vocabulary.eos
        self._failed = False

    @abstractmethod
    def _put(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        """Track a request at a free index, unless it asks nothing of this processor.

        `prompt` is None for a prompt of embeddings; `output` is the live list of generated tokens. The row is
        closed if this raises.
        """

    @abstractmethod
    def _apply(self, logits: torch.Tensor) -> None:
        """Change logits [rows, width] in place. If this raises, all rows are closed for the step."""

    def is_argmax_invariant(self) -> bool:
        """Return False: greedy sampling must not skip this processor."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Update the rows; an update that cannot be followed closes every row from then on."""
        if batch_update is None or self._failed:
            return
        try:
            for index in batch_update.removed:
                self._rows.drop(index)
            for index, params, prompt, output in batch_update.added:
                self._add(index, params, prompt, output)
            for source, target, direction in batch_update.moved:
                self._rows.move(source, target, swap=direction is MoveDirectionality.SWAP)
        except Exception as error:
            self._failed = True
            _log.error("closed all rows: %s", type(error).__name__)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Change logits [rows, width] in place and return them."""
        if self._failed:
            close_all(logits, self._eos)
            return logits
        try:
            self._apply(logits)
        except Exception as error:
            _log.error("closed all rows for a step: %s", type(error).__name__)
            close_all(logits, self._eos)
        return logits

    def _add(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        # vLLM may use an index again without having removed it.
        self._rows.drop(index)
        try:
            self._put(index, params, prompt, output)
        except Exception as error:
            self._rows.close(index, error)
